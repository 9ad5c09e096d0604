import type { Table } from '../tables.js';
import { changeHeadBytes, changeKind, recordHeadBytes } from './format.js';

const startBytes = 64 * 1024;
/** A buffer that a transaction made larger is not kept. */
const keptBytes = 1024 * 1024;
const nothing = new Uint8Array(0);

/** Writes down what a transaction changes in tables, as the body of a record. */
export class Recorder {
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #end = recordHeadBytes;

  /** A table that does the same, and whose changes are written down. */
  watch(table: Table, place: number): Table {
    const recording: Pick<Table, 'putSync' | 'removeSync' | 'clearSync'> = {
      putSync: (key: Uint8Array, value: Uint8Array): void => {
        this.#write(changeKind.put, place, key, value);
        table.putSync(key, value);
      },
      removeSync: (key: Uint8Array): boolean => {
        this.#write(changeKind.remove, place, key, nothing);
        return table.removeSync(key);
      },
      clearSync: (): void => {
        this.#write(changeKind.clear, place, nothing, nothing);
        table.clearSync();
      },
    };
    return Object.assign(Object.create(table) as Table, recording);
  }

  /** Forgets what was written down: a transaction begins. */
  begin(): void {
    this.#end = recordHeadBytes;
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  /** What was changed since, behind room for the head of a record; undefined where that is nothing. Valid until it begins again. */
  get record(): Buffer | undefined {
    return this.#end === recordHeadBytes ? undefined : this.#bytes.subarray(0, this.#end);
  }

  #write(kind: number, place: number, key: Uint8Array, value: Uint8Array): void {
    const at = this.#end;
    const end = at + changeHeadBytes + key.length + value.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    const bytes = this.#bytes;
    bytes[at] = kind;
    bytes[at + 1] = place;
    bytes.writeUInt16LE(key.length, at + 2);
    bytes.writeUInt32LE(value.length, at + 4);
    bytes.set(key, at + changeHeadBytes);
    bytes.set(value, at + changeHeadBytes + key.length);
    this.#end = end;
  }
}
