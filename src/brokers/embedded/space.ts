import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { EdgeFlowError } from '../../errors.js';
import type { Environment, Table } from './tables.js';

const step = 4 * 1024 * 1024;
const zeros = Buffer.alloc(1024 * 1024);
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

  constructor(environment: Environment, state: Table, path: string) {
    this.#environment = environment;
    this.#state = state;
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
    const end = Math.ceil(needed / step) * step;
    try {
      for (let at = Math.max(used, allocated); at < end; at += zeros.length)
        writeSync(this.#file, zeros, 0, Math.min(zeros.length, end - at), at);
    } catch (cause) {
      throw new EdgeFlowError(
        'BROKER_FULL',
        `the file system of '${this.#path}' has no room for ${bytes} bytes more: free some, lower maxBytes, or choose another directory`,
        { cause },
      );
    }
    const record = Buffer.alloc(8);
    record.writeDoubleLE(end);
    this.#state.putSync(key, record);
  }

  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  #stats(): { readonly pageSize: number; readonly lastPageNumber: number } {
    return this.#environment.getStats() as { pageSize: number; lastPageNumber: number };
  }
}
