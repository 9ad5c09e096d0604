import { parseStored } from './damaged.js';
import { ownSeqKey, ownerRange, seqKey, seqOfKey } from './keys.js';
import type { Table } from './tables.js';

/** Rows are looked at for old ones after so many were added. */
const rowsPerTrim = 16;

/**
 * The last published ids of one topic. They are stored as a log, one row for each transaction that published, and each
 * process keeps an index of it in memory: to publish writes one row, and to recognise an id reads none.
 */
export class RecentIds {
  readonly #table: Table;
  readonly #topic: number;
  readonly #seqOfId = new Map<string, number>();
  /** Last position that the index holds. */
  #head = 0;
  #unsaved: string[] = [];
  #savedRows = 0;

  constructor(table: Table, topic: number) {
    this.#table = table;
    this.#topic = topic;
  }

  /** The position of an id among the last `window` of a log that has `head` messages. */
  find(id: string, head: number, window: number): number | undefined {
    this.#read(head);
    const seq = this.#seqOfId.get(id);
    if (seq === undefined || seq > head - window) return seq;
    // The index has ids in the order of their positions: this one may be added again.
    this.#seqOfId.delete(id);
    return undefined;
  }

  /** Notes the id of the next message. */
  add(id: string, seq: number, window: number): void {
    this.#seqOfId.set(id, seq);
    this.#unsaved.push(id);
    this.#head = seq;
    // Seldom: to find the oldest entries of a map, those that were deleted before them are passed one by one.
    if (this.#seqOfId.size > 2 * window) this.#forget(seq - window);
  }

  /** Writes what was noted in this transaction, and deletes rows that are past the window. */
  save(window: number): void {
    if (this.#unsaved.length === 0) return;
    this.#table.putSync(seqKey(this.#topic, this.#head - this.#unsaved.length + 1), encodeIds(this.#unsaved));
    this.#unsaved = [];
    if (this.#head > window && this.#savedRows++ % rowsPerTrim === 0) this.#trim(this.#head - window);
  }

  /** A row ends before the next begins. Two for each that was added: what is past the window never piles up. */
  #trim(last: number): void {
    const firsts = [...this.#table.getKeys({ ...ownerRange(this.#topic), limit: 2 * rowsPerTrim + 1 })].map(seqOfKey);
    for (const [row, next] of firsts.slice(1).entries()) {
      const first = firsts[row];
      if (first === undefined || next - 1 > last) return;
      this.#table.removeSync(seqKey(this.#topic, first));
    }
  }

  /** Takes in what other processes have published. */
  #read(head: number): void {
    if (this.#head >= head) return;
    for (const { key, value } of this.#table.getRange({
      start: ownSeqKey(this.#topic, this.#head + 1),
      end: ownerRange(this.#topic).end,
    })) {
      let seq = seqOfKey(key);
      for (const id of decodeIds(Buffer.from(value))) {
        this.#seqOfId.delete(id);
        this.#seqOfId.set(id, seq++);
      }
    }
    this.#head = head;
  }

  #forget(last: number): void {
    for (const [id, seq] of this.#seqOfId) {
      if (seq > last) return;
      this.#seqOfId.delete(id);
    }
  }
}

export function encodeIds(ids: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(ids));
}

/** @throws EdgeFlowError `MESSAGE_CORRUPT` */
export function decodeIds(bytes: Buffer): string[] {
  return parseStored(bytes.toString(), 'a list of published ids', isListOfText);
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string');
}
