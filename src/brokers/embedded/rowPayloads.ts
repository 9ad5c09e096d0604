import { monotonicMs } from './clock.js';
import { decodeKey, encodeKey, rowKey, unknownBytes } from './payloadKey.js';
import { leastSweepMs } from './payloads.js';
import type { Payloads } from './payloads.js';
import { Slots } from './slots.js';
import type { Slot } from './slots.js';
import { asFull } from './space.js';
import type { Space } from './space.js';
import { binary } from './tables.js';
import type { Environment, Table } from './tables.js';
import type { Transactions } from './transactions.js';

/** What a free slot holds; lmdb gives the pages of the payload before it to others. */
const nothing = Buffer.of(0);

/**
 * A row of lmdb for each payload, in numbered slots. Rows of the tree are only ever overwritten, never deleted: lmdb
 * 3.5.6 ends the process with an assertion (`x <= dl[0].mid` in mdb_freelist_save) when pages of a written map are
 * merged, and overwriting merges none.
 */
export class RowPayloads implements Payloads {
  readonly #transactions: Transactions;
  readonly #table: Table;
  readonly #slots: Slots;
  readonly #space: Space | undefined;

  /** @param space - where a write goes straight into the map; without it, writes wait for the disk. */
  constructor(environment: Environment, transactions: Transactions, space: Space | undefined) {
    this.#transactions = transactions;
    this.#table = environment.openDB<Uint8Array, Uint8Array>('payloads', binary);
    this.#slots = new Slots(environment.openDB<Uint8Array, Uint8Array>('slots', binary));
    this.#space = space;
  }

  async write(payloads: readonly Uint8Array[]): Promise<Buffer[]> {
    const put = (): Buffer[] => this.#put(payloads);
    try {
      return this.#space ? this.#transactions.run(put) : await this.#transactions.runSynced(put);
    } catch (error) {
      throw asFull(error, this.#transactions.path);
    }
  }

  copy(key: Uint8Array): Buffer | undefined {
    const payload = this.#readNow(key);
    return payload && this.#transactions.run(() => this.#put([payload]))[0];
  }

  remove(keys: readonly Uint8Array[]): void {
    if (keys.length === 0) return;
    this.#transactions.run(() => {
      for (const key of keys) {
        const { bytes, ...slot } = decodeKey(key);
        this.#free(slot, bytes === unknownBytes ? undefined : bytes);
      }
    });
  }

  lost(key: Uint8Array, youngMs = leastSweepMs): boolean {
    const { number, stamp } = decodeKey(key);
    if (monotonicMs() - stamp < youngMs) return false;
    this.#table.resetReadTxn();
    return this.#slots.stamp(number) !== stamp;
  }

  /** Always a copy, in a buffer of its own: a row has no place that lmdb would give. */
  read(key: Uint8Array): Uint8Array | undefined {
    const { number, stamp } = decodeKey(key);
    this.#table.resetReadTxn();
    try {
      const found = this.#slots.stamp(number) === stamp ? this.#table.getBinaryFast(rowKey(number)) : undefined;
      // What is read outside of a transaction may be a moment behind: see Transactions.
      if (!found) return this.#readNow(key);
      // lmdb's buffer is used again for the next read; its `length` is the payload's, its real length is not. Fresh memory
      // costs more than the second copy: getBinary, which copies once, takes 2.3 ms for 1080p and this 1.6.
      const payload = Buffer.allocUnsafeSlow(found.length);
      payload.set(new Uint8Array(found.buffer, found.byteOffset, found.length));
      return payload;
    } finally {
      this.#table.resetReadTxn();
    }
  }

  olderThan(ageMs: number): Buffer[] {
    const now = monotonicMs();
    this.#table.resetReadTxn();
    const old = this.#slots.used().filter(({ stamp }) => stamp <= now - ageMs || stamp > now);
    this.#table.resetReadTxn();
    return old.map((slot) => encodeKey({ ...slot, bytes: unknownBytes }));
  }

  clear(): void {
    this.#transactions.run(() => {
      for (const slot of this.#slots.used()) this.#free(slot);
    });
  }

  /** Where nobody writes meanwhile. */
  #readNow(key: Uint8Array): Uint8Array | undefined {
    const { number, stamp } = decodeKey(key);
    return this.#transactions.run(() => (this.#slots.stamp(number) === stamp ? this.#table.getBinary(rowKey(number)) : undefined));
  }

  #put(payloads: readonly Uint8Array[]): Buffer[] {
    this.#space?.reserve(payloads.reduce((bytes, payload) => bytes + payload.length, 0));
    return payloads.map((payload) => {
      const slot = this.#slots.take(monotonicMs());
      this.#table.putSync(rowKey(slot.number), payload);
      return encodeKey({ ...slot, bytes: payload.length });
    });
  }

  #free(slot: Slot, bytes?: number): void {
    if (!this.#slots.free(slot)) return;
    const key = rowKey(slot.number);
    this.#space?.free(bytes ?? this.#table.getBinaryFast(key)?.length ?? 0);
    this.#table.putSync(key, nothing);
  }
}
