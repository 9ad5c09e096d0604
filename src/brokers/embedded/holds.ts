import { damaged } from './damaged.js';
import { holdKey, holdRange, ownerRange, seqOfKey, sessionOfHold } from './keys.js';
import { payloadKeyBytes } from './payloadKey.js';
import type { TopicRecord } from './records.js';
import { readRow } from './tables.js';
import type { Table } from './tables.js';

/**
 * Payloads of one topic that readers still look at. A message that only readers want makes room for newer ones; its
 * payload stays until the last of them lets go.
 */
export class Holds {
  readonly #table: Table;
  readonly #topic: TopicRecord;

  /** @param topic - the counts of it change with the holds. */
  constructor(table: Table, topic: TopicRecord) {
    this.#table = table;
    this.#topic = topic;
  }

  add(seq: number, session: number, reader: string, payloadKey: Uint8Array): void {
    const topic = this.#topic;
    this.#table.putSync(holdKey(topic.number, seq, session, reader), encode(false, payloadKey));
    topic.heldFrom = topic.holds === 0 ? seq : Math.min(topic.heldFrom, seq);
    topic.holds++;
  }

  /** Leaves a payload that nothing else refers to any more to who holds it; false when nobody does. */
  leave(seq: number, payloadKey: Uint8Array): boolean {
    const topic = this.#topic;
    // To look takes longer than most of a transaction, and who looks at a stream holds its newest.
    if (topic.holds === 0 || seq < topic.heldFrom) return false;
    for (const { key, value } of this.#table.getRange(holdRange(topic.number, seq))) {
      if (!decode(value).payloadKey.equals(payloadKey)) continue;
      this.#table.putSync(Buffer.from(key), encode(true, payloadKey));
      return true;
    }
    return false;
  }

  /** Ends a hold; returns the payload where it was left to this one alone. */
  letGo(seq: number, session: number, reader: string): Buffer | undefined {
    return this.#end(holdKey(this.#topic.number, seq, session, reader), seq);
  }

  /** Ends the holds of sessions that do not live; returns the payloads that were left to them. */
  reap(alive: (session: number) => boolean): Buffer[] {
    const dead = [...this.#table.getKeys(ownerRange(this.#topic.number))]
      .map((key) => Buffer.from(key))
      .filter((key) => !alive(sessionOfHold(key)));
    return dead.flatMap((key) => this.#end(key, seqOfKey(key)) ?? []);
  }

  #end(key: Buffer, seq: number): Buffer | undefined {
    const stored = readRow(this.#table, key);
    if (!stored) return undefined;
    const { left, payloadKey } = decode(stored);
    this.#table.removeSync(key);
    this.#topic.holds--;
    return left && !this.leave(seq, payloadKey) ? payloadKey : undefined;
  }
}

/** The payload that a stored hold names. */
export function heldPayload(stored: Uint8Array): Buffer {
  return decode(stored).payloadKey;
}

function encode(left: boolean, payloadKey: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(left ? 1 : 0), payloadKey]);
}

function decode(stored: Uint8Array): { readonly left: boolean; readonly payloadKey: Buffer } {
  if (stored.length !== 1 + payloadKeyBytes) throw damaged('a hold');
  const bytes = Buffer.from(stored);
  return { left: bytes[0] === 1, payloadKey: bytes.subarray(1) };
}
