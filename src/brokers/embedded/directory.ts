import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { EdgeFlowError, errorMessage } from '../../errors.js';
import { syncFolder } from '../../syncFolder.js';
import { bootName, unknownBoot } from './clock.js';
import { is64Bit } from './wordSize.js';
import { freeBytes } from './space.js';

/** What a store must outlive: any process, or the power of the host. */
export type Durability = 'process' | 'power';

/** What the makers of a store decided for all that use it. */
export interface StoreFormat {
  readonly format: number;
  readonly durability: Durability;
  /** Bound of the bytes of all topics that groups read. */
  readonly maxBytes: number;
  /** How payloads are stored: in arenas, which are read in place, or as rows of lmdb. */
  readonly payloads: 'arenas' | 'rows';
}

/** Where a store is and how it is to be made. */
export interface StoreOptions {
  readonly directory: string;
  readonly durability: Durability;
  readonly maxBytes: number | undefined;
  /** Whether another process made it, so that a new one in its place would be another store. @defaultValue false */
  readonly joins?: boolean;
}

/** The control environment by itself, synced where the store outlives power; or a journal beside it that outlives power for it. */
const formats = { plain: 3, journaled: 4 };
const formatFile = 'edgeflow-store.json';
const controlFile = 'control.mdb';
export const dataFile = 'data.mdb';
export const bellFolder = 'bells';

export const mainFile = 'main.json';

const ownFiles = new Set([mainFile, formatFile, controlFile, `${controlFile}-lock`, dataFile, `${dataFile}-lock`, bellFolder]);

/** What the names of a journaled store's control environments begin with: behind it stands the boot that it is good for. */
export const controlPrefix = 'control-';
/** What the drafts of its checkpoints are called. */
export const checkpointDraft = 'checkpoint';

/** Those of a journaled store, and of what is made aside, which a kill may leave behind. */
const ownPrefixes = [
  controlPrefix,
  'journal-',
  'checkpoint-',
  ...[formatFile, controlFile, dataFile, checkpointDraft].map((file) => `${file}.`),
];

/** A file system smaller than this, such as shared memory in a container with Docker's default of 64 MiB, does not hold video. */
export const leastForVideo = 256 * 1024 * 1024;
/** What the empty files of a store take, and something to work with. */
const leastNewStoreBytes = 256 * 1024;
const mostDefaultBytes = 4 * 1024 * 1024 * 1024;

/** Where a store of this name lies unless the user says otherwise. The same in all processes of a user. */
export function defaultDirectory(name: string, durability: Durability): string {
  if (durability === 'power') {
    const state = process.env.XDG_STATE_HOME;
    return path.join(state && path.isAbsolute(state) ? state : path.join(homedir(), '.local', 'state'), 'edgeflow', name);
  }
  const user = process.getuid?.() ?? 'user';
  return path.join(sharedMemoryFolder() ?? tmpdir(), `edgeflow-${user}`, name);
}

/** Shared memory as a folder, where the system has enough of it. */
export function sharedMemoryFolder(): string | undefined {
  const folder = '/dev/shm';
  try {
    accessSync(folder, constants.W_OK);
    return totalBytes(folder) >= leastForVideo ? folder : undefined;
  } catch {
    // No such folder here, or not for us: the temporary folder does it.
    return undefined;
  }
}

/**
 * Makes the folder of a store, closed to others, and reads or writes what its makers decided.
 *
 * @throws EdgeFlowError `BROKER_CONFIG`, `BROKER_FULL` where there is no room for a new store, `BROKER_CORRUPT` where there is none to join
 */
export function prepareDirectory({ directory, durability, maxBytes, joins = false }: StoreOptions): StoreFormat {
  if (joins) {
    const format = storedFormat(directory);
    if (!format || ![controlPath(directory, format), path.join(directory, dataFile)].every(existsSync)) throw deletedStore(directory);
  }
  try {
    const parent = path.dirname(directory);
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    if (path.basename(parent).startsWith('edgeflow-')) checkOwned(parent);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    checkOwned(directory);
  } catch (cause) {
    if (cause instanceof EdgeFlowError) throw cause;
    throw new EdgeFlowError('BROKER_CONFIG', `the embedded broker cannot use '${directory}': ${errorMessage(cause)}`, { cause });
  }
  const file = path.join(directory, formatFile);
  if (!existsSync(file)) {
    const strange = [controlFile, dataFile].find((name) => existsSync(path.join(directory, name)));
    if (strange && !existsSync(file)) throw wrongFormat(directory, `'${strange}' was not made by EdgeFlow`);
    const free = freeBytes(directory);
    // lmdb maps its files, and a map that the file system cannot supply with pages ends the process.
    if (free < leastNewStoreBytes)
      throw new EdgeFlowError(
        'BROKER_FULL',
        `the file system of '${directory}' has ${free} bytes free, a new store needs ${leastNewStoreBytes}: free some, or choose another directory`,
      );
    const bound = maxBytes ?? defaultStoreBytes(directory);
    const payloads = durability === 'process' && is64Bit && totalBytes(directory) >= leastForVideo ? 'arenas' : 'rows';
    // It has to know whether the host has booted since.
    const journaled = durability === 'power' && bootName() !== unknownBoot;
    const version = journaled ? formats.journaled : formats.plain;
    const format: StoreFormat = { format: version, durability, maxBytes: bound, payloads };
    const draft = draftOf(file);
    writeFileSync(draft, JSON.stringify(format), { mode: 0o600, flush: journaled });
    renameSync(draft, file);
    if (journaled) for (const folder of [directory, path.dirname(directory)]) syncFolder(folder);
  }
  const format = readFormat(directory, file);
  if (format.durability !== durability)
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `the store in '${directory}' has durability '${format.durability}', asked for '${durability}': use that, another name, or delete the folder`,
    );
  if (maxBytes !== undefined && format.maxBytes !== maxBytes)
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `the store in '${directory}' was made with maxBytes ${format.maxBytes}, asked for ${maxBytes}: use that, another name, or delete the folder`,
    );
  return format;
}

/** What the makers of a store decided; undefined where there is none. @throws EdgeFlowError `BROKER_CONFIG` for a damaged one */
export function storedFormat(directory: string): StoreFormat | undefined {
  const file = path.join(directory, formatFile);
  return existsSync(file) ? readFormat(directory, file) : undefined;
}

function readFormat(directory: string, file: string): StoreFormat {
  let format: Partial<StoreFormat>;
  try {
    format = JSON.parse(readFileSync(file, 'utf8')) as Partial<StoreFormat>;
  } catch (cause) {
    throw wrongFormat(directory, `'${formatFile}' cannot be read: ${errorMessage(cause)}`);
  }
  if (
    (format.format !== formats.plain && format.format !== formats.journaled) ||
    typeof format.maxBytes !== 'number' ||
    (format.durability !== 'process' && format.durability !== 'power') ||
    (format.payloads !== 'arenas' && format.payloads !== 'rows')
  )
    throw wrongFormat(
      directory,
      `it has format ${String(format.format)}, this version of EdgeFlow knows ${formats.plain} and ${formats.journaled}`,
    );
  if (format.format === formats.journaled && bootName() === unknownBoot)
    throw wrongFormat(directory, 'it was made on a system that tells one boot of the host from another, which this one does not');
  return format as StoreFormat;
}

/** Whether the control environment outlives power by a journal. */
export function isJournaled({ format }: StoreFormat): boolean {
  return format === formats.journaled;
}

/** Where the control environment lies. */
export function controlPath(directory: string, format: StoreFormat): string {
  return path.join(directory, isJournaled(format) ? `${controlPrefix}${bootName()}.mdb` : controlFile);
}

export function deletedStore(directory: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_CORRUPT',
    `the embedded store in '${directory}' was deleted while it was in use, and what it held is lost. systemd deletes the shared memory ` +
      "of a user at the end of their last session (RemoveIPC): run as a system user, or use durability: 'power'. Then start the System again",
  );
}

export function wrongFormat(directory: string, found: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_CONFIG',
    `the store in '${directory}' cannot be used: ${found}. If nothing in it is needed, delete '${directory}'`,
  );
}

/** A name for a file that is made aside before it is put in its place; {@link foreignFiles} knows what a kill leaves of it. */
export function draftOf(file: string): string {
  return `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
}

/** Names in the folder that are not EdgeFlow's. */
export function foreignFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => !ownFiles.has(name) && !ownPrefixes.some((prefix) => name.startsWith(prefix)));
}

function totalBytes(directory: string): number {
  const { blocks, bsize } = statfsSync(directory);
  return blocks * bsize;
}

function defaultStoreBytes(directory: string): number {
  return Math.min(mostDefaultBytes, Math.floor(totalBytes(directory) / 2));
}

/**
 * Checks that a file of a store is one of lmdb's, which takes anything and may end the process on it.
 *
 * @throws EdgeFlowError `BROKER_CONFIG`
 */
export function checkEnvironment(directory: string, file: string): void {
  if (!existsSync(file)) return;
  const start = Buffer.alloc(64);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, start, 0, start.length, 0);
  } finally {
    closeSync(descriptor);
  }
  // All zeros: another process is making it.
  if (start.some((byte) => byte !== 0) && !magicAt.some((offset) => start.readUInt32LE(offset) === magic))
    throw wrongFormat(directory, `'${path.basename(file)}' is not an lmdb file`);
}

const magic = 0xbeefc0de;
/** After the page header, whose size differs between versions. */
const magicAt = [16, 20, 24, 32];

/** Another user could put a folder of the same name where all may write, and read along. */
function checkOwned(directory: string): void {
  const found = lstatSync(directory);
  const uid = process.getuid?.();
  if (!found.isDirectory() || (uid !== undefined && found.uid !== uid && uid !== 0))
    throw new EdgeFlowError('BROKER_CONFIG', `'${directory}' is not a folder of this user: choose another directory`);
}
