import type { Database, RootDatabase } from 'lmdb';

export type Table = Database<Uint8Array, Uint8Array>;
export type Environment = RootDatabase<Uint8Array, Uint8Array>;

const names = [
  'topics',
  'groups',
  'readers',
  'entries',
  'open',
  'recent',
  'dead',
  'consumers',
  'sessions',
  'failures',
  'holds',
  'spare',
] as const;

/** The tables of the control environment. */
export interface Tables extends Readonly<Record<(typeof names)[number], Table>> {
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
    failures: table('failures'),
    holds: table('holds'),
    spare: table('spare'),
  };
}

/** Empties all tables that a reset empties; other processes keep them open. */
export function clearTables(tables: Tables): void {
  for (const name of names) tables[name].clearSync();
}
