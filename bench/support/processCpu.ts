import { readFileSync } from 'node:fs';

/** Linux counts in ticks of this length, whatever the kernel's own clock. */
const tickMs = 10;

/** CPU time that processes have used so far, user and system, all their threads, in milliseconds; NaN where there is no /proc. */
export function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    let stat: string;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    } catch (error) {
      if (process.platform === 'linux') throw error;
      return NaN;
    }
    // The second field is the program's name in brackets, which may hold anything. See proc_pid_stat(5).
    const [utime, stime] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    ticks += Number(utime) + Number(stime);
  }
  return ticks * tickMs;
}
