import { randomBytes } from 'node:crypto';
import type { Transaction } from 'lmdb';
import { monotonicMs } from './clock.js';
import type { Space } from './space.js';
import type { Environment, Table } from './tables.js';

/** A fixed state of the data environment: what is in it stays readable until `done`. Keep it short: it holds old pages. */
export type Snapshot = Transaction;

const timeBytes = 6;
export const payloadKeyBytes = 16;

/** The data plane: payload bytes under keys that are never used again. */
export class Payloads {
  readonly #environment: Environment;
  readonly #table: Table;
  readonly #space: Space | undefined;
  readonly #session = randomBytes(6);
  #count = 0;

  constructor(environment: Environment, table: Table, space: Space | undefined) {
    this.#environment = environment;
    this.#table = table;
    this.#space = space;
  }

  /** A new key. It begins with the time, so that a sweep finds the old ones first. */
  newKey(): Buffer {
    const key = Buffer.allocUnsafe(payloadKeyBytes);
    key.writeUIntBE(Math.floor(monotonicMs()), 0, timeBytes);
    key.set(this.#session, timeBytes);
    key.writeUInt32BE(this.#count++ % 2 ** 32, timeBytes + 6);
    return key;
  }

  /** Puts payloads within a transaction of the data environment. */
  put(payloads: readonly (readonly [key: Buffer, payload: Uint8Array])[]): void {
    this.#space?.reserve(payloads.reduce((bytes, [, payload]) => bytes + payload.length, 0));
    for (const [key, payload] of payloads) this.#table.putSync(key, payload);
  }

  /** Stores payloads; durable, where the environment is, when the promise resolves. */
  async write(payloads: readonly (readonly [key: Buffer, payload: Uint8Array])[], synced: boolean): Promise<void> {
    const put = (): void => {
      this.put(payloads);
    };
    if (synced) await this.#environment.childTransaction(put);
    else this.#environment.transactionSync(put);
  }

  /** Stores a copy under a new key. */
  copy(key: Uint8Array): Buffer | undefined {
    const payload = this.#table.getBinary(key);
    if (!payload) return undefined;
    const copied = this.newKey();
    this.#environment.transactionSync(() => {
      this.put([[copied, payload]]);
    });
    return copied;
  }

  remove(keys: readonly Uint8Array[]): void {
    if (keys.length === 0) return;
    this.#environment.transactionSync(() => {
      for (const key of keys) this.#table.removeSync(key);
    });
  }

  /** Whether the payload is there now. Only a payload that may have been swept needs the question. */
  lost(key: Buffer): boolean {
    if (monotonicMs() - key.readUIntBE(0, timeBytes) < 60_000) return false;
    this.#table.resetReadTxn();
    return !this.#table.doesExist(key);
  }

  snapshot(): Snapshot {
    this.#table.resetReadTxn();
    return this.#table.useReadTransaction();
  }

  /** Copies a payload out of the map, into a buffer of its own. */
  read(key: Uint8Array, snapshot: Snapshot): Uint8Array | undefined {
    // The declared type leaves out the options, which lmdb documents for all reads.
    const table: { getBinary(key: Uint8Array, options: { readonly transaction: Snapshot }): Buffer | undefined } = this.#table;
    return table.getBinary(key, { transaction: snapshot });
  }

  /** Keys written more than `ageMs` ago, or before the host booted. */
  olderThan(ageMs: number): Buffer[] {
    const now = monotonicMs();
    this.#table.resetReadTxn();
    const old: Buffer[] = [];
    for (const stored of this.#table.getKeys()) {
      const key = Buffer.from(stored);
      const time = key.readUIntBE(0, timeBytes);
      if (time <= now - ageMs || time > now) old.push(key);
    }
    this.#table.resetReadTxn();
    return old;
  }

  clear(): void {
    this.#table.clearSync();
  }
}
