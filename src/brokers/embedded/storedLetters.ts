import type { DeadLetterOptions } from '../broker.js';
import { fullLetters } from '../options.js';
import { decodeDeadLetter, encodeDeadLetter } from './deadLetters.js';
import type { StoredDeadLetter } from './deadLetters.js';
import { ownSeqKey, ownerRange, seqKey, seqOfKey } from './keys.js';
import type { TopicRecord } from './records.js';
import { readRow } from './tables.js';
import type { Table } from './tables.js';

/** The dead letters of one topic, by their numbers. */
export class StoredLetters {
  readonly #table: Table;
  /** The counts of it change with the letters. */
  readonly #topic: TopicRecord;

  constructor(table: Table, topic: TopicRecord) {
    this.#table = table;
    this.#topic = topic;
  }

  add(letter: StoredDeadLetter, payloadKey: Buffer | undefined): void {
    const stored = encodeDeadLetter(letter, payloadKey);
    this.#table.putSync(seqKey(this.#topic.number, ++this.#topic.lastLetter), stored);
    this.#topic.deadLetters++;
  }

  get(letter: number): StoredDeadLetter | undefined {
    if (!(Number.isInteger(letter) && letter > 0 && letter <= this.#topic.lastLetter)) return undefined;
    const stored = readRow(this.#table, seqKey(this.#topic.number, letter));
    return stored && decodeDeadLetter(Buffer.from(stored));
  }

  list(options?: DeadLetterOptions): (StoredDeadLetter & { readonly letter: number })[] {
    const { after, limit } = fullLetters(options);
    const { number, lastLetter } = this.#topic;
    if (!(after < lastLetter && limit > 0)) return [];
    const range = {
      start: ownSeqKey(number, after + 1),
      end: ownerRange(number).end,
      ...(limit !== Infinity && { limit }),
    };
    return [...this.#table.getRange(range)].map(({ key, value }) => ({
      ...decodeDeadLetter(Buffer.from(value)),
      letter: seqOfKey(key),
    }));
  }

  remove(letter: number): void {
    this.#table.removeSync(seqKey(this.#topic.number, letter));
    this.#topic.deadLetters--;
  }
}
