import { readFileSync } from 'node:fs';

/** Memory of a process as Linux counts it, in megabytes (10⁶ bytes). */
export interface MemoryMB {
  /** All that is resident: with what is shared between processes, such as the program itself and a mapped store. */
  readonly resident: number;
  /** The process's own: neither files nor shared memory. */
  readonly own: number;
}

/** Memory of a process; NaN where there is no /proc. See proc_pid_status(5). */
export function memoryMB(pid: number): MemoryMB {
  if (process.platform !== 'linux') return { resident: NaN, own: NaN };
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN) * 1_024) / 1e6;
  return { resident: field('VmRSS'), own: field('RssAnon') };
}
