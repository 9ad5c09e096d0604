import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EdgeFlowError } from 'edgeflow';

/** The system's code of an error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A result, or `empty` where a file or folder is not there (any more). */
export async function emptyWhereMissing<T>(work: Promise<T>, empty: T): Promise<T> {
  return work.catch((error: unknown) => {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return empty;
    throw error;
  });
}

/** The error for files that could not be written. */
export function storeFailed(where: string, path: string, error: unknown): EdgeFlowError {
  if (error instanceof EdgeFlowError) return error;
  const mends: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full; free space or set limits that fit it',
    EDQUOT: 'the quota is used up; free space or set limits that fit it',
    EACCES: 'this user may not write there; change the owner or the directory',
    EPERM: 'this user may not write there; change the owner or the directory',
    EROFS: 'the file system is read-only',
    ENOTDIR: 'a part of the path is a file',
  };
  const reason = error instanceof Error ? error.message : String(error);
  return new EdgeFlowError(
    'STORE_FAILED',
    `${where}: could not write below ${path}: ${mends[systemCode(error) ?? ''] ?? 'see the reason'} (${reason})`,
    {
      cause: error,
    },
  );
}

/** Makes what a folder lists outlast a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Folder for files that have no name yet. On the same file system as the store, so that they can be renamed into it. */
const temporaryFolder = '.tmp';

/** Tells machines and containers apart: a process id means something only within one. */
export const machine: Promise<string> = readlink('/proc/self/ns/pid')
  .catch(() => '')
  .then((namespace) => createHash('sha256').update(`${hostname()}\0${namespace}`).digest('hex').slice(0, 8));

let temporaryCount = 0;

/** Path for a new temporary file, unique among all processes. */
export async function temporaryPath(root: string, unique: string): Promise<string> {
  return join(root, temporaryFolder, `${await machine}-${process.pid}-${unique}-${temporaryCount++}`);
}

const abandonedAfterMs = 3_600_000;

/** Removes the temporary files that dead processes left. Those of other machines are removed after an hour. */
export async function removeAbandoned(root: string): Promise<void> {
  const folder = join(root, temporaryFolder);
  await mkdir(folder, { recursive: true });
  const here = await machine;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const changedAt = await emptyWhereMissing(
      stat(path).then(({ mtimeMs }) => mtimeMs),
      undefined,
    );
    if (changedAt === undefined) continue;
    const [host, id] = name.split('-');
    if (isAbandoned(host === here, Number(id), changedAt)) await rm(path, { force: true });
  }
}

/** Whether the process that wrote a file is gone. Of another machine that is taken for granted after an hour's silence. */
export function isAbandoned(sameMachine: boolean, pid: number, changedAt: number): boolean {
  const startedAt = Date.now() - process.uptime() * 1000;
  const dead = sameMachine && (pid === process.pid ? changedAt < startedAt - 1_000 : !isAlive(pid));
  return dead || changedAt < Date.now() - abandonedAfterMs;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
