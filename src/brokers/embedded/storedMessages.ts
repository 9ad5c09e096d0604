import { hasCode } from '../../errors.js';
import type { RangeRequest } from '../broker.js';
import { fullRange } from '../options.js';
import { decodeEntry, entryCost, entryTime, reencodeEntry } from './entry.js';
import type { Entry } from './entry.js';
import { Holds } from './holds.js';
import { ownSeqKey, ownerRange, seqKey, seqOfKey } from './keys.js';
import type { LogEffects } from './logEffects.js';
import type { TopicRecord } from './records.js';
import { readRow } from './tables.js';
import type { Tables } from './tables.js';

/** A message of a log, as it is stored. */
export interface StoredMessage {
  readonly seq: number;
  readonly entry: Entry;
}

/** A page of what is stored. */
export interface StoredRange {
  readonly found: readonly StoredMessage[];
  readonly next: number | undefined;
}

/** What the messages of a topic belong to. */
export interface MessagesOptions {
  /** Name of the topic, for errors. */
  readonly name: string;
  /** The counts of it change with the messages. */
  readonly topic: TopicRecord;
  readonly tables: Tables;
  readonly effects: LogEffects;
}

/** Stands in the table of spare messages, of which the keys say all. */
const present = Buffer.of(1);
/** Messages that one look goes through, whether it wants them or not. */
const mostLooked = 4_096;

/**
 * The messages of one topic, and the payloads that they name. A message that nobody needs is deleted, or, where the topic
 * retains, spare: it is kept until what came later takes its place, or its time is over.
 */
export class StoredMessages {
  readonly holds: Holds;
  readonly #name: string;
  readonly #topic: TopicRecord;
  readonly #tables: Tables;
  readonly #effects: LogEffects;

  constructor({ name, topic, tables, effects }: MessagesOptions) {
    this.holds = new Holds(tables.holds, topic);
    this.#name = name;
    this.#topic = topic;
    this.#tables = tables;
    this.#effects = effects;
  }

  /** Whether messages are kept that nobody needs. */
  get retains(): boolean {
    return this.#topic.retainBytes > 0;
  }

  /** Whether there are such messages. */
  get hasSpare(): boolean {
    return this.#topic.spare > 0;
  }

  has(seq: number): boolean {
    return this.#tables.entries.doesExist(seqKey(this.#topic.number, seq));
  }

  get(seq: number): Entry {
    const stored = readRow(this.#tables.entries, seqKey(this.#topic.number, seq));
    if (!stored) throw new Error(`message ${seq} of '${this.#name}' is gone while it is needed`);
    return decodeEntry(stored);
  }

  /** The positions of all that is stored, in order. */
  seqs(): number[] {
    return [...this.#tables.entries.getKeys(ownerRange(this.#topic.number))].map(seqOfKey);
  }

  /** What is stored, in order. */
  range(request: RangeRequest = {}): StoredRange {
    const { after, from, to, limit, maxBytes } = fullRange(request);
    const { number, head } = this.#topic;
    const found: StoredMessage[] = [];
    if (after >= head) return { found, next: undefined };
    let [bytes, looked, last] = [0, 0, after];
    for (const { key, value } of this.#tables.entries.getRange({ start: ownSeqKey(number, after + 1), end: ownerRange(number).end })) {
      if (looked++ === mostLooked) return { found, next: last };
      const time = entryTime(value);
      if (time >= from && time <= to) {
        const entry = decodeEntry(Buffer.from(value));
        bytes += entry.bytes;
        if (found.length === limit || (bytes > maxBytes && found.length > 0)) return { found, next: last };
        found.push({ seq: seqOfKey(key), entry });
      }
      last = seqOfKey(key);
    }
    return { found, next: undefined };
  }

  /** @param bytes - what the message counts for. */
  add(seq: number, entry: Uint8Array, bytes: number): void {
    this.#tables.entries.putSync(seqKey(this.#topic.number, seq), entry);
    this.#count(1, bytes);
  }

  /** Puts a message back whose dead letter is given to its group again. */
  restore(seq: number, entry: Entry): void {
    if (!this.has(seq)) {
      this.#tables.entries.putSync(ownSeqKey(this.#topic.number, seq), reencodeEntry(entry));
      this.#count(1, entry.bytes);
    } else if (entry.payloadKey) this.discard(seq, entry.payloadKey);
    this.unspare(seq);
  }

  /** Nobody needs a message any more: it is spare, or goes. */
  free(seq: number): void {
    if (this.retains) this.#spare(seq);
    else this.delete(seq);
  }

  delete(seq: number): void {
    const payloadKey = seq < 1 ? undefined : this.remove(seq);
    if (payloadKey) this.discard(seq, payloadKey);
  }

  /** Deletes a message, and leaves its payload: returns where that is. */
  remove(seq: number): Buffer | undefined {
    const stored = this.#tables.entries.getBinaryFast(seqKey(this.#topic.number, seq));
    if (!stored) return undefined;
    const { bytes, payloadKey } = entryCost(stored);
    this.#tables.entries.removeSync(seqKey(this.#topic.number, seq));
    if (this.hasSpare && this.#tables.spare.removeSync(seqKey(this.#topic.number, seq))) this.#countSpare(-1, -bytes);
    this.#count(-1, -bytes);
    return payloadKey;
  }

  /** Frees a payload that neither an entry nor a letter names any more. */
  discard(seq: number, payloadKey: Uint8Array): void {
    if (!this.holds.leave(seq, payloadKey)) this.#effects.freed.push(payloadKey);
  }

  /** @param spare - nobody needs the payload itself: where there is no room for a copy there is none. */
  copyPayload(payloadKey: Uint8Array, spare: boolean): Buffer | undefined {
    try {
      return this.#effects.copyPayload(payloadKey);
    } catch (error) {
      if (spare && hasCode(error, 'BROKER_FULL')) return undefined;
      throw error;
    }
  }

  /** A message is needed again. */
  unspare(seq: number): void {
    if (!this.hasSpare || seq < 1 || !this.#tables.spare.removeSync(seqKey(this.#topic.number, seq))) return;
    this.#countSpare(-1, -this.get(seq).bytes);
  }

  /** Frees the oldest of what nobody needs: beyond the bytes of the topic, and beyond what it retains. @param time - the wall clock. */
  trim(time = -Infinity): void {
    const topic = this.#topic;
    for (let seq = this.#oldestSpare(); seq !== undefined; seq = this.#oldestSpare()) {
      const fits = topic.spareBytes <= topic.retainBytes && topic.bytes <= topic.maxBytes && this.retains;
      if (fits && !(this.#timeOf(seq) < time - topic.retainMs)) return;
      this.delete(seq);
    }
  }

  /** Frees at least so many bytes of what nobody needs, or all of it. */
  giveWay(bytes: number): void {
    const least = this.#topic.bytes - bytes;
    for (let seq = this.#oldestSpare(); seq !== undefined && this.#topic.bytes > least; seq = this.#oldestSpare()) this.delete(seq);
  }

  #spare(seq: number): void {
    const stored = this.#tables.entries.getBinaryFast(seqKey(this.#topic.number, seq));
    if (!stored) return;
    const { bytes } = entryCost(stored);
    if (this.#tables.spare.doesExist(seqKey(this.#topic.number, seq))) return;
    this.#tables.spare.putSync(seqKey(this.#topic.number, seq), present);
    this.#countSpare(1, bytes);
  }

  #oldestSpare(): number | undefined {
    if (!this.hasSpare) return undefined;
    const [oldest] = [...this.#tables.spare.getKeys({ ...ownerRange(this.#topic.number), limit: 1 })];
    return oldest && seqOfKey(oldest);
  }

  #timeOf(seq: number): number {
    const stored = this.#tables.entries.getBinaryFast(seqKey(this.#topic.number, seq));
    return stored ? entryTime(stored) : -Infinity;
  }

  #count(entries: number, bytes: number): void {
    this.#topic.entries += entries;
    this.#topic.bytes += bytes;
    this.#effects.bytes += bytes;
  }

  #countSpare(messages: number, bytes: number): void {
    this.#topic.spare += messages;
    this.#topic.spareBytes += bytes;
    this.#effects.spareBytes += bytes;
  }
}
