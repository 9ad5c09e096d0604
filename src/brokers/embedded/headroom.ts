import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { knownFreeBytes, leastFreeBytes, writeZeros } from './space.js';
import type { Transactions } from './transactions.js';

/** Acks take new pages until those that they free may be written anew, a few commits later; this is many times what it comes to. */
const headroomBytes = 1024 * 1024;

/**
 * Keeps room behind the last page of an environment that the file system has given already, so that acks go on when another
 * program has taken all the rest. It is as large in a young store, which has no free pages yet, as behind many new messages.
 */
export class Headroom {
  readonly #transactions: Transactions;
  readonly #path: string;
  readonly #file: number;
  /** The file is at least as long. */
  #length = 0;

  constructor(transactions: Transactions) {
    this.#transactions = transactions;
    this.#path = transactions.path;
    this.#file = openSync(this.#path, 'r+');
  }

  /** Whether it was used, and may be made anew: on a full file system nothing is published, which is what uses it. */
  get short(): boolean {
    const least = this.#wanted - headroomBytes / 2;
    if (this.#length < least) this.#length = fstatSync(this.#file).size;
    return this.#length < least && knownFreeBytes(this.#path) >= leastFreeBytes;
  }

  /** Makes the file longer where it is short. Only in a transaction: nobody else writes meanwhile. */
  keep(): void {
    if (!this.short) return;
    try {
      this.#length = writeZeros(this.#file, this.#length, this.#wanted);
    } catch {
      // The disk fails. Who publishes is told, and the next commit tries again.
    }
  }

  /** Whether the file that is open is still the one at its path. */
  get inPlace(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    const own = fstatSync(this.#file);
    return there?.ino === own.ino && there.dev === own.dev;
  }

  close(): void {
    closeSync(this.#file);
  }

  get #wanted(): number {
    return (this.#transactions.lastPage + 1) * this.#transactions.pageSize + headroomBytes;
  }
}
