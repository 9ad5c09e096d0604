import type { Database, RootDatabase } from 'lmdb';
import { seqKey } from './keys.js';

export type Table = Database<Uint8Array, Uint8Array>;
export type Environment = RootDatabase<Uint8Array, Uint8Array>;

const names = ['topics', 'groups', 'readers', 'entries', 'open', 'recent', 'dead', 'consumers', 'sessions', 'failures', 'holds'] as const;

/** The tables of the control environment. */
export interface Tables extends Readonly<Record<(typeof names)[number], Table>> {
  /** Messages that are kept although nobody needs them, by the number of the topic and their positions. */
  readonly spare: Table;
  /** Outside those: survives a reset. */
  readonly store: Table;
}

export const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** Names of all tables of the control environment. */
export const controlTables: readonly string[] = [...names, 'store'];
/** Names of all tables of the data environment. */
export const dataTables: readonly string[] = ['payloads', 'slots', 'space'];

export function openTables(control: Environment): Tables {
  const table = (name: string): Table => control.openDB<Uint8Array, Uint8Array>(name, binary);
  const failures = table('failures');
  return {
    store: table('store'),
    topics: table('topics'),
    groups: table('groups'),
    readers: table('readers'),
    entries: table('entries'),
    open: table('open'),
    recent: table('recent'),
    dead: table('dead'),
    consumers: table('consumers'),
    sessions: table('sessions'),
    failures,
    holds: table('holds'),
    // To add a table to a store that others use is not safe. Rows of failures begin with the number of a group, which is never
    // that of a topic.
    spare: failures,
  };
}

/** A row in memory of its own; undefined where there is none. Of more than 64 bytes, lmdb's `getBinary` takes three times as long. */
export function readRow(table: Table, key: Uint8Array): Buffer | undefined {
  const found = table.getBinaryFast(key);
  if (!found) return undefined;
  // What was found is lmdb's memory, valid until the next call; its `length` says how much of it is the row.
  const row = Buffer.allocUnsafe(found.length);
  row.set(new Uint8Array(found.buffer, found.byteOffset, found.length));
  return row;
}

/** Messages of a topic, by its number; undefined for those that are gone. */
export function readEntries({ entries }: Tables, topic: number, seqs: readonly number[]): (Buffer | undefined)[] {
  return seqs.map((seq) => readRow(entries, seqKey(topic, seq)));
}

/** Empties all tables that a reset empties; other processes keep them open. */
export function clearTables(tables: Tables): void {
  for (const name of names) tables[name].clearSync();
}
