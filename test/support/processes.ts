import { readdir, readFile, readlink } from 'node:fs/promises';

/** What the system tells others of a process. */
export interface SeenProcess {
  readonly pid: number;
  /** Arguments, one after the other. */
  readonly commandLine: string;
  readonly environment: string;
}

/** All processes that this user may look into; Linux only. */
export async function seenProcesses(): Promise<SeenProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const read = (pid: number, file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  return Promise.all(pids.map(async (pid) => ({ pid, commandLine: await read(pid, 'cmdline'), environment: await read(pid, 'environ') })));
}

/** Addresses, in the kernel's hexadecimal, of the TCP sockets that a process listens on. */
export async function listeningTcp(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  const inodes = new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')));
  return tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // sl, local address, remote address, state (0A is LISTEN), …, inode
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
      .map((fields) => fields[1] ?? ''),
  );
}
