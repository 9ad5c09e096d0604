import { rowKey } from './payloadKey.js';
import { damaged } from './damaged.js';
import { readRow } from './tables.js';
import type { Table } from './tables.js';

/** A slot in use. No two uses of one slot have the same stamp. */
export interface Slot {
  readonly number: number;
  /** When it was taken, by the monotonic clock. */
  readonly stamp: number;
}

/** Stamps that share a row; 1 KiB, which lmdb keeps inside a page. */
const perRow = 128;

/** Which numbers are in use, as rows of stamps; 0 for a free slot. Changes happen within a write transaction. */
export class Slots {
  readonly #table: Table;
  /** Where the last slot was free; others may have taken it since. */
  #hint = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  take(now: number): Slot {
    for (let row = this.#hint; ; row++) {
      const stamps = this.#row(row);
      if (!stamps && this.#hint > 0) {
        // The end: begin once more before the table grows.
        this.#hint = 0;
        row = -1;
        continue;
      }
      const slot = stamps ? stamps.indexOf(0) : 0;
      if (slot < 0) continue;
      const changed = stamps ?? new Float64Array(perRow);
      changed[slot] = now;
      this.#save(row, changed);
      this.#hint = row;
      return { number: row * perRow + slot, stamp: now };
    }
  }

  /** @returns false when the slot is not in this use any more. */
  free({ number, stamp }: Slot): boolean {
    const row = Math.floor(number / perRow);
    const stamps = this.#row(row);
    if (stamps?.[number % perRow] !== stamp) return false;
    stamps[number % perRow] = 0;
    this.#save(row, stamps);
    this.#hint = Math.min(this.#hint, row);
    return true;
  }

  stamp(number: number): number | undefined {
    return this.#row(Math.floor(number / perRow))?.[number % perRow];
  }

  used(): Slot[] {
    const used: Slot[] = [];
    for (let row = 0; ; row++) {
      const stamps = this.#row(row);
      if (!stamps) return used;
      stamps.forEach((stamp, slot) => {
        if (stamp !== 0) used.push({ number: row * perRow + slot, stamp });
      });
    }
  }

  #row(row: number): Float64Array | undefined {
    const stored = readRow(this.#table, rowKey(row));
    if (stored && stored.length !== perRow * 8) throw damaged('the table of payloads');
    return stored && new Float64Array(stored.buffer.slice(stored.byteOffset, stored.byteOffset + stored.byteLength));
  }

  #save(row: number, stamps: Float64Array): void {
    this.#table.putSync(rowKey(row), Buffer.from(stamps.buffer));
  }
}
