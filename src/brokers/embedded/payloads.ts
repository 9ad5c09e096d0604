import type { Transaction } from 'lmdb';
import { monotonicMs } from './clock.js';
import { Slots } from './slots.js';
import type { Slot } from './slots.js';
import { asFull } from './space.js';
import type { Space } from './space.js';
import { binary } from './tables.js';
import type { Environment, Table } from './tables.js';
import type { Transactions } from './transactions.js';

/** A fixed state of the data environment: what is in it stays readable until `done`. Keep it short: it holds old pages. */
export type Snapshot = Transaction;

/** Bytes of the reference to a payload that an entry carries. */
export const payloadKeyBytes = 16;

/** A slot and the length of the payload in it. */
interface Reference extends Slot {
  readonly bytes: number;
}

/** In a key that was made from a slot alone: to ask for the length is to read the payload. */
const unknownBytes = 2 ** 32 - 1;

/** Names a payload: the part of its key that does not depend on its length. */
export function payloadName(key: Buffer): string {
  return key.toString('latin1', 0, 12);
}

/** What a free slot holds; lmdb gives the pages of the payload before it to others. */
const nothing = Buffer.of(0);
/** A payload younger than this cannot have been swept. */
const leastSweepMs = 60_000;

/**
 * The data plane: payload bytes in numbered slots. Rows of the tree are only ever overwritten, never deleted: lmdb
 * 3.5.6 ends the process with an assertion (`x <= dl[0].mid` in mdb_freelist_save) when pages of a written map are
 * merged, and overwriting merges none.
 */
export class Payloads {
  readonly #transactions: Transactions;
  readonly #table: Table;
  readonly #slots: Slots;
  readonly #space: Space | undefined;

  constructor(environment: Environment, transactions: Transactions, space: Space | undefined) {
    this.#transactions = transactions;
    this.#table = environment.openDB<Uint8Array, Uint8Array>('payloads', binary);
    this.#slots = new Slots(environment.openDB<Uint8Array, Uint8Array>('slots', binary));
    this.#space = space;
  }

  /** Stores payloads; where the environment syncs, they are on disk when the promise resolves. */
  async write(payloads: readonly Uint8Array[], synced: boolean): Promise<Buffer[]> {
    let keys: Buffer[] = [];
    const put = (): void => {
      keys = this.#put(payloads);
    };
    try {
      if (synced) await this.#transactions.runSynced(put);
      else this.#transactions.run(put);
    } catch (error) {
      throw asFull(error, 'the data file');
    }
    return keys;
  }

  /** Stores a copy under a new key. */
  copy(key: Uint8Array): Buffer | undefined {
    const payload = this.#readNow(key);
    return payload && this.#transactions.run(() => this.#put([payload]))[0];
  }

  /** Frees payloads; those that are gone already are left alone. */
  remove(keys: readonly Uint8Array[]): void {
    if (keys.length === 0) return;
    this.#transactions.run(() => {
      for (const key of keys) {
        const { bytes, ...slot } = decodeKey(key);
        this.#free(slot, bytes === unknownBytes ? undefined : bytes);
      }
    });
  }

  /** Whether the payload was removed. Only one older than `youngMs` needs the question. */
  lost(key: Uint8Array, youngMs = leastSweepMs): boolean {
    const { number, stamp } = decodeKey(key);
    if (monotonicMs() - stamp < youngMs) return false;
    this.#table.resetReadTxn();
    return this.#slots.stamp(number) !== stamp;
  }

  snapshot(): Snapshot {
    this.#table.resetReadTxn();
    return this.#table.useReadTransaction();
  }

  /** Copies a payload out of the map, into a buffer of its own. */
  read(key: Uint8Array, snapshot: Snapshot): Uint8Array | undefined {
    const { number, stamp } = decodeKey(key);
    // A snapshot may be a moment behind: see Transactions.
    if (this.#slots.stamp(number, snapshot) !== stamp) return this.#readNow(key);
    // The declared type leaves out the options, which lmdb documents for all reads.
    const table: { getBinaryFast(key: Uint8Array, options: { readonly transaction: Snapshot }): Buffer | undefined } = this.#table;
    const found = table.getBinaryFast(rowKey(number), { transaction: snapshot });
    if (!found) return this.#readNow(key);
    // lmdb's buffer is used again for the next read; its `length` is the payload's, its real length is not. Fresh memory
    // costs more than the second copy: getBinary, which copies once, takes 2.3 ms for 1080p and this 1.6.
    const payload = Buffer.allocUnsafeSlow(found.length);
    payload.set(new Uint8Array(found.buffer, found.byteOffset, found.length));
    return payload;
  }

  /** Keys of payloads written more than `ageMs` ago, or before the host booted. */
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

function rowKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(number);
  return key;
}

function encodeKey({ number, stamp, bytes }: Reference): Buffer {
  const key = Buffer.allocUnsafe(payloadKeyBytes);
  key.writeUInt32BE(number, 0);
  key.writeDoubleBE(stamp, 4);
  key.writeUInt32BE(bytes, 12);
  return key;
}

function decodeKey(key: Uint8Array): Reference {
  const buffer = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { number: buffer.readUInt32BE(0), stamp: buffer.readDoubleBE(4), bytes: buffer.readUInt32BE(12) };
}
