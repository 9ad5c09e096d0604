import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { EdgeFlowError, errorMessage } from '../../errors.js';
import { spaceRecord } from './records.js';
import type { SpaceRecord } from './records.js';
import { binary, readRow } from './tables.js';
import type { Environment, Table } from './tables.js';
import type { Transactions } from './transactions.js';

/** More than is needed, so that a file system that fills up later leaves room for what is replaced all the time. */
const headroom = 32 * 1024 * 1024;
const zeros = Buffer.alloc(1024 * 1024);
/** What the data plane leaves free: with nothing, not even an ack could be written. */
const keptBytes = 16 * 1024 * 1024;
/** Free space below which nothing is published. */
export const leastFreeBytes = 8 * 1024 * 1024;
/** Room for the pages of the trees themselves, in each transaction. */
const slack = 1024 * 1024;
const key = Buffer.from('space');

/**
 * Keeps a full file system from ending the process. A write through the map to a page that the file system cannot supply
 * is a SIGBUS; a write through the file is an error. So pages that were never used are first written as zeros, under the
 * environment's writer lock.
 */
export class Space {
  readonly #transactions: Transactions;
  readonly #table: Table;
  readonly #path: string;
  readonly #file: number;

  constructor(environment: Environment, transactions: Transactions, path: string) {
    this.#transactions = transactions;
    this.#table = environment.openDB<Uint8Array, Uint8Array>('space', binary);
    this.#path = path;
    this.#file = openSync(path, 'r+');
  }

  /**
   * Makes sure, within a write transaction, that it may store `bytes` more.
   *
   * @param spare - what is made sure of besides, so that the next ones find it there.
   * @throws EdgeFlowError `BROKER_FULL`
   */
  reserve(bytes: number, spare = headroom): void {
    const used = (this.#transactions.lastPage + 1) * this.#transactions.pageSize;
    const { allocated, stored } = this.#load(used);
    const needed = used + bytes + slack;
    let end = allocated;
    if (bytes === 0 && end >= needed) return;
    if (end < needed) end = writeZeros(this.#file, end, Math.min(needed + spare, end + freeBytes(this.#path) - keptBytes));
    // The file cannot grow. What was freed inside it serves as long as there is so much of it that lmdb finds neighbours.
    const limited = end < needed + spare && freeBytes(this.#path) <= keptBytes;
    if (limited && stored + bytes > used * (end >= needed ? 1 / 2 : 1 / 4))
      throw new EdgeFlowError(
        'BROKER_FULL',
        `the file system of '${this.#path}' has no room for ${bytes} bytes more: let groups catch up, free some, or choose another directory`,
      );
    this.#save({ allocated: end, stored: stored + bytes });
  }

  /** Notes, within a write transaction, that `bytes` were freed. */
  free(bytes: number): void {
    const { allocated, stored } = this.#load(0);
    this.#save({ allocated, stored: stored - bytes });
  }

  #load(used: number): SpaceRecord {
    const found = readRow(this.#table, key);
    if (!found) return { allocated: used, stored: 0 };
    const record = spaceRecord.decode(found);
    return { ...record, allocated: Math.max(record.allocated, used) };
  }

  #save(record: SpaceRecord): void {
    this.#table.putSync(key, spaceRecord.encode(record));
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Free space of a file's file system. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** The error for a file system without room. */
export function cramped(directory: string): EdgeFlowError {
  return new EdgeFlowError('BROKER_FULL', `the file system of '${directory}' is full: free some of it, or choose another directory`);
}

/** A full map or disk, said in our terms; another error as it is. */
export function asFull(error: unknown, path: string): unknown {
  const message = isCutShort(error) && knownFreeBytes(path) < leastFreeBytes ? 'No space left for all of a write' : errorMessage(error);
  if (!/MDB_MAP_FULL|ENOSPC|No space left|EDQUOT|quota exceeded/.test(message)) return error;
  return new EdgeFlowError(
    'BROKER_FULL',
    `'${path}' has no room: ${message}. Let groups catch up, free disk space, or make a larger store`,
    {
      cause: error,
    },
  );
}

/** Writes zeros into a file as far as its file system takes them; returns where it ended. */
export function writeZeros(file: number, from: number, to: number): number {
  let end = from;
  while (end < to) {
    try {
      end += writeSync(file, zeros, 0, Math.min(zeros.length, to - end), end);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return end;
      throw error;
    }
  }
  return end;
}

/** Free space of a file's file system, where it can be told: not of a file that was deleted. */
export function knownFreeBytes(path: string): number {
  try {
    return freeBytes(path);
  } catch {
    return Infinity;
  }
}

/** lmdb gives EIO also for a write of which the disk took a part, as it does of the last one before it is full. */
function isCutShort(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === constants.errno.EIO;
}
