import { damaged } from './damaged.js';
import { ownerRange, seqKey, seqOfKey } from './keys.js';
import { readRow } from './tables.js';
import type { Table } from './tables.js';

/** One delivered message that is not settled. */
export interface OpenMessage {
  readonly token: number;
  /** Number of the consumer; 0 while the message waits for redelivery. */
  readonly owner: number;
  /** When it may be delivered again; -Infinity for at once. */
  readonly due: number;
}

const slots = 64;
const slotBytes = 16;
const emptyPage = Buffer.alloc(slots * slotBytes);

/**
 * The open messages of one group. Sixty-four neighbours share a row: consumers take and settle messages in runs, and
 * a row a message would be most of the cost of a delivery.
 */
export class OpenSet {
  readonly #table: Table;
  readonly #group: number;
  readonly #pages = new Map<number, Buffer>();
  readonly #dirty = new Set<number>();

  constructor(table: Table, group: number) {
    this.#table = table;
    this.#group = group;
  }

  get(seq: number): OpenMessage | undefined {
    const page = this.#page(Math.floor(seq / slots));
    return page && readSlot(page, seq % slots);
  }

  set(seq: number, { token, owner, due }: OpenMessage): void {
    const number = Math.floor(seq / slots);
    let page = this.#page(number);
    if (!page) this.#pages.set(number, (page = Buffer.from(emptyPage)));
    const offset = (seq % slots) * slotBytes;
    page.writeUInt32LE(owner, offset);
    page.writeUInt32LE(token, offset + 4);
    page.writeDoubleLE(due, offset + 8);
    this.#dirty.add(number);
  }

  delete(seq: number): void {
    const number = Math.floor(seq / slots);
    this.#page(number)?.fill(0, (seq % slots) * slotBytes, ((seq % slots) + 1) * slotBytes);
    this.#dirty.add(number);
  }

  /** Deletes all. */
  clear(): void {
    for (const [seq] of this) this.delete(seq);
    this.save();
  }

  /** All in order of position. */
  *[Symbol.iterator](): Generator<[seq: number, message: OpenMessage]> {
    this.save();
    const numbers: number[] = [];
    for (const key of this.#table.getKeys(ownerRange(this.#group))) numbers.push(seqOfKey(key));
    for (const number of numbers) {
      for (let slot = 0; slot < slots; slot++) {
        const page = this.#page(number);
        const message = page && readSlot(page, slot);
        if (message) yield [number * slots + slot, message];
      }
    }
  }

  /** Writes what was changed. */
  save(): void {
    for (const number of this.#dirty) {
      const page = this.#pages.get(number);
      if (page && !page.equals(emptyPage)) this.#table.putSync(seqKey(this.#group, number), page);
      else {
        this.#pages.delete(number);
        this.#table.removeSync(seqKey(this.#group, number));
      }
    }
    this.#dirty.clear();
  }

  #page(number: number): Buffer | undefined {
    const known = this.#pages.get(number);
    if (known) return known;
    const page = readRow(this.#table, seqKey(this.#group, number));
    if (!page) return undefined;
    if (page.length !== slots * slotBytes) throw damaged('the state of open messages');
    this.#pages.set(number, page);
    return page;
  }
}

function readSlot(page: Buffer, slot: number): OpenMessage | undefined {
  const offset = slot * slotBytes;
  const token = page.readUInt32LE(offset + 4);
  return token === 0 ? undefined : { token, owner: page.readUInt32LE(offset), due: page.readDoubleLE(offset + 8) };
}
