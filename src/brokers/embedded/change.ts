import { storeRecord } from './records.js';
import type { StoreRecord } from './records.js';
import { StoredLog } from './storedLog.js';
import type { LogEffects } from './logEffects.js';
import type { Bell } from './bells.js';
import type { Payloads } from './payloads.js';
import { readRow } from './tables.js';
import type { Tables } from './tables.js';

const storeKey = Buffer.from('store');

/** Bytes that all topics store, but for what gives way. */
export function neededBytes(tables: Tables): number {
  const { bytes, spareBytes } = decodeStore(readRow(tables.store, storeKey));
  return bytes - spareBytes;
}

function decodeStore(stored: Buffer | undefined): StoreRecord {
  return stored ? storeRecord.decode(stored) : { nextNumber: 1, bytes: 0, spareBytes: 0 };
}

/** What a transaction gets from its store. */
export interface ChangeOptions extends Pick<LogEffects, 'members' | 'recentIds'> {
  readonly tables: Tables;
  readonly payloads: Payloads;
  /** Bound of the bytes of all topics. */
  readonly maxBytes: number;
}

/** One transaction of the control environment: the logs that it touches, and what must follow its commit. */
export class Change implements LogEffects {
  readonly tables: Tables;
  readonly members: LogEffects['members'];
  readonly recentIds: LogEffects['recentIds'];
  readonly freed: Uint8Array[] = [];
  /** Whether it publishes messages, or finds that they are published. */
  publishes = false;
  readonly rings = new Map<string, { readonly topic: string; readonly kind: Bell }>();
  readonly #payloads: Payloads;
  readonly #maxBytes: number;
  readonly #logs = new Map<string, StoredLog>();
  readonly #store: StoreRecord;
  readonly #stored: Buffer | undefined;
  readonly #dirty = new Set<StoredLog>();

  constructor({ tables, payloads, maxBytes, members, recentIds }: ChangeOptions) {
    this.members = members;
    this.recentIds = recentIds;
    this.tables = tables;
    this.#payloads = payloads;
    this.#maxBytes = maxBytes;
    this.#stored = readRow(tables.store, storeKey);
    this.#store = decodeStore(this.#stored);
  }

  get bytes(): number {
    return this.#store.bytes;
  }

  set bytes(bytes: number) {
    this.#store.bytes = bytes;
  }

  get spareBytes(): number {
    return this.#store.spareBytes;
  }

  set spareBytes(bytes: number) {
    this.#store.spareBytes = bytes;
  }

  nextNumber(): number {
    return this.#store.nextNumber++;
  }

  copyPayload(key: Uint8Array): Buffer | undefined {
    return this.#payloads.copy(key);
  }

  /** A topic's log, to read or to change. */
  log(topic: string): StoredLog | undefined {
    const known = this.#logs.get(topic);
    if (known) return known;
    const log = StoredLog.load(topic, this.tables, this);
    if (log) this.#use(log);
    return log;
  }

  logOrNew(topic: string, dedupeWindow: number): StoredLog {
    return this.log(topic) ?? this.#use(StoredLog.create(topic, this.tables, this, dedupeWindow));
  }

  ring(topic: string, kind: Bell): void {
    this.rings.set(`${topic}.${kind}`, { topic, kind });
  }

  /** Say it before messages of a log are settled: who waits for room, or for its turn, may go on then. */
  settles(log: StoredLog): void {
    if (log.full || this.bytes - this.spareBytes >= this.#maxBytes || log.strict) this.ring(log.name, 'space');
  }

  /** Trims what all topics retain, by the wall clock. */
  trim(time: number): void {
    for (const log of this.#retaining()) log.trim(time);
  }

  /** Frees at least so many bytes of what nobody needs, or all of it; returns whether there was any. */
  giveWay(bytes: number): boolean {
    const before = this.bytes;
    for (const log of this.#retaining()) log.giveWay(bytes - (before - this.bytes));
    return this.bytes < before;
  }

  save(): void {
    // Where the store holds more than it may, the others' spare messages go too.
    if (this.bytes > this.#maxBytes && this.spareBytes > 0) this.giveWay(this.bytes - this.#maxBytes);
    for (const log of this.#dirty) log.save();
    const store = storeRecord.encode(this.#store);
    if (!this.#stored || !store.equals(this.#stored)) this.tables.store.putSync(storeKey, store);
  }

  /** Forgets the logs: they were deleted. */
  clear(): void {
    this.#logs.clear();
    this.#dirty.clear();
    this.#store.bytes = 0;
    this.#store.spareBytes = 0;
  }

  #retaining(): StoredLog[] {
    const names = [...this.tables.topics.getKeys()].map((key) => Buffer.from(key).toString());
    return names.flatMap((name) => this.log(name) ?? []).filter(({ hasSpare }) => hasSpare);
  }

  #use(log: StoredLog): StoredLog {
    this.#logs.set(log.name, log);
    this.#dirty.add(log);
    return log;
  }
}
