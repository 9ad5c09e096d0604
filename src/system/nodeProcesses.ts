import { readdir, readFile } from 'node:fs/promises';

/** A process of a System's node on this host. */
export interface NodeProcess {
  /** `system/node`, or with the number of the replica. */
  readonly name: string;
  readonly pid: number;
  readonly cpuSeconds: number;
  /** Resident bytes. */
  readonly rss: number;
}

/** `getconf CLK_TCK`, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;
const worker = '/system/worker.js';

/** Node processes of this host, by what the kernel says of them; none where there is no /proc. */
export async function readProcesses(): Promise<NodeProcess[]> {
  const pids = await readdir('/proc').catch(() => []);
  const found = await Promise.all(pids.filter((pid) => /^\d+$/.test(pid)).map(readProcess));
  return found.filter((each) => each !== undefined).sort((a, b) => a.name.localeCompare(b.name));
}

async function readProcess(pid: string): Promise<NodeProcess | undefined> {
  try {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    const at = words.findIndex((word) => word.endsWith(worker));
    const name = words[at + 1];
    if (at < 0 || name === undefined) return undefined;
    const [stat, status] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/status`, 'utf8')]);
    // The name of the program, in brackets, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    return { name, pid: Number(pid), cpuSeconds: ticks / ticksPerSecond, rss };
  } catch {
    // It has ended meanwhile, or is another user's.
    return undefined;
  }
}
