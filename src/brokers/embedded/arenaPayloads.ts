import { BlockMap } from './blockMap.js';
import { monotonicMs } from './clock.js';
import { decodeKey, encodeKey, rowKey } from './payloadKey.js';
import type { Place } from './payloadKey.js';
import { leastSweepMs } from './payloads.js';
import type { Payloads } from './payloads.js';
import { asFull } from './space.js';
import type { Space } from './space.js';
import { binary, readRow } from './tables.js';
import type { Environment, Table } from './tables.js';
import type { Transactions } from './transactions.js';

const blockBytes = 8 * 1024;
/** Before each payload: the stamp of its place and its length, in a cache line of their own. */
const headerBytes = 64;
/** lmdb gives values in place that are longer than its buffer of 16 MiB, and smaller ones as copies. */
const leastArenaBytes = 16 * 1024 * 1024 + blockBytes;
const mostArenaBytes = 64 * 1024 * 1024;
/** An arena is made to hold as many payloads as the one that it is made for. */
const payloadsPerArena = 4;
/** For the pages of the tables beside the arenas. */
const spareBytes = 2 * 1024 * 1024;
/** A place is numbered by its arena and its block in it; an arena holds one payload of 4 GiB at most. */
const mostBlocks = 2 ** 20;

/**
 * Shared memory that payloads are written to and read from in place: large rows of lmdb, the *arenas*, of which each
 * process has a view. Their pages never move, since they are never overwritten by lmdb; which of their blocks are taken
 * stands in a table, and changes in transactions. To write a payload is one copy; to read it is none.
 */
export class ArenaPayloads implements Payloads {
  readonly #transactions: Transactions;
  readonly #arenas: Table;
  readonly #maps: Table;
  readonly #space: Space;
  readonly #views = new Map<number, Buffer>();
  /** Where there was room last. */
  #hint = 0;

  constructor(environment: Environment, transactions: Transactions, space: Space) {
    this.#transactions = transactions;
    this.#arenas = environment.openDB<Uint8Array, Uint8Array>('payloads', binary);
    this.#maps = environment.openDB<Uint8Array, Uint8Array>('slots', binary);
    this.#space = space;
  }

  async write(payloads: readonly Uint8Array[]): Promise<Buffer[]> {
    try {
      return await Promise.resolve(this.#store(payloads));
    } catch (error) {
      throw asFull(error, this.#transactions.path);
    }
  }

  copy(key: Uint8Array): Buffer | undefined {
    const payload = this.read(key, true);
    return payload && this.#store([payload])[0];
  }

  remove(keys: readonly Uint8Array[]): void {
    if (keys.length === 0) return;
    this.#transactions.run(() => {
      const maps = new Map<number, BlockMap>();
      for (const key of keys) {
        const place = decodeKey(key);
        const { arena, block } = positionOf(place);
        const map = maps.get(arena) ?? this.#map(arena);
        if (!map?.begins(block) || !this.#isAt(place)) continue;
        map.release(block);
        // Reading does not look at the map.
        this.#writeHeader({ ...place, stamp: 0, bytes: 0 });
        maps.set(arena, map);
      }
      for (const [arena, map] of maps) this.#saveMap(arena, map);
    });
  }

  lost(key: Uint8Array, youngMs = leastSweepMs): boolean {
    const place = decodeKey(key);
    if (monotonicMs() - place.stamp < youngMs) return false;
    const { arena, block } = positionOf(place);
    return this.#transactions.run(() => this.#map(arena)?.begins(block) !== true || !this.#isAt(place));
  }

  read(key: Uint8Array, inPlace = false): Uint8Array | undefined {
    const place = decodeKey(key);
    if (!this.#isAt(place)) return undefined;
    const stored = this.#payload(place, place.bytes);
    if (inPlace) return stored;
    const payload = Buffer.allocUnsafeSlow(place.bytes);
    payload.set(stored);
    // Who removes a payload says so in its header before others write there.
    return this.#isAt(place) ? payload : undefined;
  }

  olderThan(ageMs: number): Buffer[] {
    const now = monotonicMs();
    const old: Buffer[] = [];
    this.#transactions.run(() => {
      for (let arena = 0; ; arena++) {
        const map = this.#map(arena);
        if (!map) return;
        for (const block of map.beginnings()) {
          const place = this.#header(arena, block);
          if (place.stamp <= now - ageMs || place.stamp > now) old.push(encodeKey(place));
        }
      }
    });
    return old;
  }

  clear(): void {
    this.#transactions.run(() => {
      for (let arena = 0; ; arena++) {
        const map = this.#map(arena);
        if (!map) return;
        for (const block of map.beginnings()) this.#writeHeader({ ...this.#header(arena, block), stamp: 0, bytes: 0 });
        map.states.fill(0);
        this.#saveMap(arena, map);
      }
    });
  }

  #store(payloads: readonly Uint8Array[]): Buffer[] {
    const places = this.#take(payloads.map(({ length }) => length));
    return places.map((place, index) => {
      this.#payload(place, place.bytes).set(payloads[index] ?? new Uint8Array());
      return encodeKey(place);
    });
  }

  /** Takes places in one transaction, and writes their headers: so whoever finds a place taken can tell since when. */
  #take(lengths: readonly number[]): Place[] {
    try {
      return this.#transactions.run(() => {
        const changed = new Map<number, BlockMap>();
        this.#space.reserve(0, spareBytes);
        const places = lengths.map((bytes) => this.#takeOne(bytes, changed));
        for (const [arena, map] of changed) this.#saveMap(arena, map);
        return places;
      });
    } catch (error) {
      // Among them may be one that the transaction made.
      this.#views.clear();
      throw error;
    }
  }

  #takeOne(bytes: number, changed: Map<number, BlockMap>): Place {
    const blocks = Math.ceil((headerBytes + bytes) / blockBytes);
    const from = this.#hint;
    const look = (arena: number): Place | undefined => {
      const map = changed.get(arena) ?? this.#map(arena);
      const block = map?.take(blocks);
      if (!map || block === undefined) return undefined;
      changed.set(arena, map);
      this.#hint = arena;
      const place = { number: arena * mostBlocks + block, stamp: monotonicMs(), bytes };
      this.#writeHeader(place);
      return place;
    };
    let arena = from;
    for (; this.#maps.doesExist(rowKey(arena)); arena++) {
      const place = look(arena);
      if (place) return place;
    }
    for (let earlier = 0; earlier < from; earlier++) {
      const place = look(earlier);
      if (place) return place;
    }
    this.#makeArena(arena, blocks);
    const place = look(arena);
    if (!place) throw new Error(`arena ${arena} is too small for ${bytes} bytes`);
    return place;
  }

  #makeArena(arena: number, blocks: number): void {
    const wanted = Math.min(Math.max(blocks * payloadsPerArena * blockBytes, leastArenaBytes), mostArenaBytes);
    const bytes = Math.max(Math.ceil(wanted / blockBytes), blocks) * blockBytes;
    this.#space.reserve(bytes, spareBytes);
    this.#arenas.putSync(rowKey(arena), Buffer.alloc(bytes));
    this.#saveMap(arena, new BlockMap(new Uint8Array(bytes / blockBytes)));
  }

  #map(arena: number): BlockMap | undefined {
    const states = readRow(this.#maps, rowKey(arena));
    return states && new BlockMap(states);
  }

  #saveMap(arena: number, map: BlockMap): void {
    this.#maps.putSync(rowKey(arena), map.states);
  }

  /** Whether the payload of this place is what lies there. */
  #isAt({ number, stamp, bytes }: Place): boolean {
    const { arena, block } = positionOf({ number });
    const view = this.#view(arena);
    if (!view || (block + 1) * blockBytes > view.length) return false;
    const found = this.#header(arena, block);
    return found.stamp === stamp && found.bytes === bytes && block * blockBytes + headerBytes + bytes <= view.length;
  }

  #header(arena: number, block: number): Place {
    const number = arena * mostBlocks + block;
    const header = this.#at({ number });
    return { number, stamp: header.readDoubleLE(0), bytes: header.readUInt32LE(8) };
  }

  #writeHeader(place: Place): void {
    const header = this.#at(place);
    header.writeDoubleLE(place.stamp, 0);
    header.writeUInt32LE(place.bytes, 8);
  }

  #payload(place: Pick<Place, 'number'>, bytes: number): Buffer {
    return this.#at(place).subarray(headerBytes, headerBytes + bytes);
  }

  /** The arena from the block of a place on. */
  #at(place: Pick<Place, 'number'>): Buffer {
    const { arena, block } = positionOf(place);
    const view = this.#view(arena);
    if (!view) throw new Error(`arena ${arena} is not there`);
    return view.subarray(block * blockBytes);
  }

  /** In a transaction, because what is read outside may be a moment behind: see Transactions. */
  #view(arena: number): Buffer | undefined {
    const known = this.#views.get(arena);
    if (known) return known;
    const found = this.#transactions.run(() => this.#arenas.getBinaryFast(rowKey(arena)));
    if (!found) return undefined;
    // A copy would take payloads and nobody would see them.
    if (!('isSharedMap' in found.buffer)) throw new Error('lmdb gave a copy of an arena, not the map');
    const view = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
    this.#views.set(arena, view);
    return view;
  }
}

function positionOf({ number }: Pick<Place, 'number'>): { readonly arena: number; readonly block: number } {
  return { arena: Math.floor(number / mostBlocks), block: number % mostBlocks };
}
