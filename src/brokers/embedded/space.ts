import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { EdgeFlowError } from '../../errors.js';
import { binary } from './tables.js';
import type { Environment, Table } from './tables.js';

/** More than is needed, so that a file system that fills up later leaves room for what is replaced all the time. */
const headroom = 32 * 1024 * 1024;
const zeros = Buffer.alloc(1024 * 1024);
/** What the data plane leaves free: with nothing, not even an ack could be written. */
const kept = 16 * 1024 * 1024;
/** Free space below which nothing is published. */
export const leastFreeBytes = 8 * 1024 * 1024;
/** Room for the pages of the trees themselves, in each transaction. */
const slack = 1024 * 1024;
const key = Buffer.from('allocated');

/**
 * Keeps a memory-mapped file from being killed by a full file system. A write through the map to a page that the file
 * system cannot supply ends the process with SIGBUS; a write through the file is an error. So pages that were never
 * used are first written as zeros, under the environment's writer lock.
 */
export class Space {
  readonly #environment: Environment;
  readonly #state: Table;
  readonly #path: string;
  readonly #file: number;
  readonly #pageSize: number;

  constructor(environment: Environment, path: string) {
    this.#environment = environment;
    this.#state = environment.openDB<Uint8Array, Uint8Array>('space', binary);
    this.#path = path;
    this.#file = openSync(path, 'r+');
    this.#pageSize = this.#stats().pageSize;
  }

  /**
   * Makes sure, within a write transaction, that it may use `bytes` more.
   *
   * @throws EdgeFlowError `BROKER_FULL`
   */
  reserve(bytes: number): void {
    const used = (this.#stats().lastPageNumber + 1) * this.#pageSize;
    const stored = this.#state.getBinary(key);
    const allocated = stored ? Buffer.from(stored).readDoubleLE() : used;
    const needed = used + bytes + slack;
    if (needed <= allocated) return;
    const from = Math.max(used, allocated);
    const end = this.#extend(from, Math.min(needed + headroom, from + freeBytes(this.#path) - kept));
    const record = Buffer.alloc(8);
    record.writeDoubleLE(end);
    this.#state.putSync(key, record);
    if (end < needed)
      throw new EdgeFlowError(
        'BROKER_FULL',
        `the file system of '${this.#path}' has no room for ${bytes} bytes more: free some, lower maxBytes, or choose another directory`,
      );
  }

  /** Writes zeros as far as the file system takes them. */
  #extend(from: number, to: number): number {
    let end = from;
    while (end < to) {
      try {
        end += writeSync(this.#file, zeros, 0, Math.min(zeros.length, to - end), end);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return end;
        throw error;
      }
    }
    return end;
  }

  close(): void {
    closeSync(this.#file);
  }

  #stats(): { readonly pageSize: number; readonly lastPageNumber: number } {
    return this.#environment.getStats() as { pageSize: number; lastPageNumber: number };
  }
}

/** Free space of a file's file system. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
