import { readdirSync, readFileSync } from 'node:fs';

/** This process and all that descend from it; this one alone where there is no /proc. */
export function processTree(): number[] {
  if (process.platform !== 'linux') return [process.pid];
  const parents = readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      // The second field is the program's name in brackets, which may hold anything. See proc_pid_stat(5).
      return [{ pid: Number(entry), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }];
    } catch {
      // It ended while it was being looked at.
      return [];
    }
  });
  const tree = [process.pid];
  for (const pid of tree) tree.push(...parents.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return tree;
}
