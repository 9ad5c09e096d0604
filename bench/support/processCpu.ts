import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time that processes have used so far, user and system, in the threads that they have now, in milliseconds; NaN where there
 * is no /proc. It is the scheduler's count in nanoseconds: `stat` counts ticks of 10 ms, and some frames cost less than one.
 */
export function cpuMs(pids: readonly number[]): number {
  if (process.platform !== 'linux') return NaN;
  let nanoseconds = 0;
  for (const pid of pids) for (const thread of readdirSync(`/proc/${pid}/task`)) nanoseconds += threadNanoseconds(pid, thread);
  return nanoseconds / 1e6;
}

function threadNanoseconds(pid: number, thread: string): number {
  try {
    // Time on a processor, time in its queue, count of turns. See "Scheduler Statistics" in the kernel's documentation.
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
  } catch (error) {
    // It ended after it was listed.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}
