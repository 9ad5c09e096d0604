import { readdirSync, readFileSync } from 'node:fs';

/** What one process holds, as Linux counts it. */
export interface ProcessUse {
  /** Resident memory, in bytes. */
  readonly rss: number;
  /** The part of it that is the process's own: not the mapped files that all share. */
  readonly own: number;
  /** Open file descriptors. */
  readonly files: number;
}

/** What a process holds; undefined when it is gone. */
export function useOf(pid: number): ProcessUse | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN) * 1024;
    const use = { rss: kilobytes('VmRSS'), own: kilobytes('RssAnon'), files: readdirSync(`/proc/${pid}/fd`).length };
    return Number.isNaN(use.rss) ? undefined : use;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The workers of a supervisor by their names, such as `transform-1`. */
export function workersOf(supervisor: number): Map<string, number> {
  const workers = new Map<string, number>();
  for (const pid of childrenOf(supervisor)) {
    // The worker's last argument is there for `ps`: <system>/<node>-<replica>.
    const name = commandOf(pid).at(-1)?.split('/')[1];
    if (name !== undefined && /^\w+-\d+$/.test(name)) workers.set(name, pid);
  }
  return workers;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES'].includes(String(error.code));
}
