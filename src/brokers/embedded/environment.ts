import type { RootDatabaseOptionsWithPath } from 'lmdb';
import { existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { draftOf } from './directory.js';
import { lmdb } from './lmdb.js';
import { binary } from './tables.js';
import type { Environment } from './tables.js';

/** Where an environment lies and how it is used. */
export interface EnvironmentOptions {
  readonly path: string;
  /** Names of all its tables. */
  readonly tables: readonly string[];
  /** The most that the file may grow to, in bytes; undefined for no more than it has. */
  readonly mapSize: number | undefined;
  /** Whether commits wait for the disk. */
  readonly synced: boolean;
  /** Whether what is written goes straight into the map. Rows must not be deleted then: lmdb 3.5.6 ends the process on it. */
  readonly writeMap: boolean;
}

/** Environments whose memory was lent: closing one would unmap it, and lmdb must not open a file twice in a process. */
const kept = new Map<string, { readonly environment: Environment; readonly inode: number }>();

/** Opens an environment with all its tables; makes it where it is not there. */
export function openEnvironment(options: EnvironmentOptions): Environment {
  if (!existsSync(options.path)) create(options);
  const known = kept.get(options.path);
  return known?.inode === statSync(options.path).ino ? known.environment : openFile(options.path, options);
}

/** Leaves an environment open until the process ends; {@link openEnvironment} gives it again. */
export function keepEnvironment(path: string, environment: Environment): void {
  if (existsSync(path)) kept.set(path, { environment, inode: statSync(path).ino });
}

/**
 * Makes a new environment aside and puts it in its place whole. So nobody who opens one in its place has to add a table,
 * which lmdb does in transactions of its own: those do not look, as {@link Transactions} does, what others have committed.
 */
function create(options: EnvironmentOptions): void {
  const draft = draftOf(options.path);
  try {
    const environment = openFile(draft, options);
    for (const name of options.tables) environment.openDB(name, binary);
    void environment.close();
    place(draft, options.path);
  } catch (error) {
    // Another process was faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}-lock`, { force: true });
  }
}

/** Puts a file in a place that is free. */
export function place(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    // Some file systems have no links. Two who make a store there in the same moment are not told apart.
    if (!(error instanceof Error && 'code' in error && ['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(String(error.code))))
      throw error;
    if (!existsSync(path)) renameSync(draft, path);
  }
}

export function openFile(path: string, { tables, mapSize, synced, writeMap }: EnvironmentOptions): Environment {
  return lmdb().open<Uint8Array, Uint8Array>({
    ...binary,
    path,
    noSubdir: true,
    maxDbs: tables.length,
    maxReaders: 512,
    ...(mapSize !== undefined && { mapSize }),
    noSync: !synced,
    useWritemap: writeMap,
    overlappingSync: false,
    // A batch has a promise that nobody sees: a commit that fails, as on a full disk, would end the process by it.
    eventTurnBatching: false,
    noMemInit: true,
    permissionsMode: 0o600,
  } as RootDatabaseOptionsWithPath);
}
