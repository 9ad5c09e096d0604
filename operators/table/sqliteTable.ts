import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type Database from 'libsql';
import { EdgeFlowError } from 'edgeflow';
import { systemCode } from '../blobs/files.js';
import { loadPackage } from '../packages.js';
import { checkRow, columnsOf, messageIdColumn } from './row.js';
import type { FieldValue, Row } from './row.js';

/** How SQLite keeps a column; `ANY` for what it makes of each value. */
export type ColumnType = 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB' | 'ANY';

/** Options of a {@link SqliteTable}. */
export interface SqliteTableOptions {
  readonly file: string;
  readonly table: string;
  readonly columns: Readonly<Record<string, ColumnType>> | undefined;
  readonly sync: boolean;
}

/** A row with what makes it one row however often it is inserted. */
export interface KeyedRow {
  /** Undefined where the value came from no broker: the row is then always new. */
  readonly key: string | undefined;
  readonly row: Row;
}

/** Waited for in the event loop's thread, so not for long; longer waits are the caller's. */
const busyTimeoutMs = 20;

const quoted = (name: string): string => `"${name}"`;

function typeOf(value: FieldValue): ColumnType {
  if (typeof value === 'string' || value instanceof Date) return 'TEXT';
  if (value instanceof Uint8Array) return 'BLOB';
  return typeof value === 'boolean' || typeof value === 'bigint' ? 'INTEGER' : 'ANY';
}

function stored(value: FieldValue): string | number | bigint | Uint8Array | null {
  if (value === undefined || value === null || (typeof value === 'number' && Number.isNaN(value))) return null;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (['string', 'number', 'bigint'].includes(typeof value)) return value;
  throw new EdgeFlowError(
    'ROW_INVALID',
    `toSqlite: a field holds ${typeof value}; expected text, a number, a boolean, a Date, bytes or null`,
  );
}

/** One table of an SQLite file, of which a message gets each of its rows once. */
export class SqliteTable {
  readonly #options: SqliteTableOptions;
  #db: Database.Database | undefined;
  #insert: Database.Statement | undefined;
  #columns: readonly string[] = [];

  constructor(options: SqliteTableOptions) {
    this.#options = options;
  }

  /**
   * Inserts rows in one transaction. Rows that are there already stay as they are.
   *
   * @returns for each group of rows an error that is its own; the others are inserted.
   * @throws what concerns all of them, such as a full disk; nothing is inserted then.
   */
  async insert(groups: readonly (readonly KeyedRow[])[]): Promise<(EdgeFlowError | undefined)[]> {
    this.#db ??= await this.#open();
    const db = this.#db;
    const first = groups.find((group) => group[0])?.[0]?.row;
    if (!first) return groups.map(() => undefined);
    this.#insert ??= this.#prepare(db, first);
    const insert = this.#insert;
    try {
      db.exec('BEGIN IMMEDIATE');
      const outcomes = groups.map((group) => this.#insertGroup(db, insert, group));
      db.exec('COMMIT');
      return outcomes;
    } catch (error) {
      // Opened again at the next attempt: a disk that was away makes old handles useless. Closing rolls back.
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#db?.close();
    this.#db = this.#insert = undefined;
  }

  #insertGroup(db: Database.Database, insert: Database.Statement, group: readonly KeyedRow[]): EdgeFlowError | undefined {
    db.exec('SAVEPOINT message');
    try {
      const known = new Set(this.#columns);
      for (const { key, row } of group) {
        checkRow('toSqlite', row, known);
        insert.run(key ?? null, ...this.#columns.map((name) => stored(row[name])));
      }
      db.exec('RELEASE message');
      return undefined;
    } catch (error) {
      const invalid = rowError(error);
      if (!invalid) throw error;
      db.exec('ROLLBACK TO message; RELEASE message');
      return invalid;
    }
  }

  async #open(): Promise<Database.Database> {
    const { file, sync } = this.#options;
    const { default: Libsql } = await loadPackage('libsql', 'toSqlite', () => import('libsql'));
    await mkdir(dirname(file), { recursive: true });
    const db = new Libsql(file);
    try {
      db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
      db.exec('PRAGMA journal_mode = WAL');
      // In WAL, NORMAL outlasts the death of any process; FULL a loss of power too.
      db.exec(`PRAGMA synchronous = ${sync ? 'FULL' : 'NORMAL'}`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Makes the table where there is none, by the given columns or a first row. */
  #prepare(db: Database.Database, first: Row): Database.Statement {
    const { table, columns } = this.#options;
    const types =
      columns ?? Object.fromEntries(columnsOf('toSqlite', first).map((name): [string, ColumnType] => [name, typeOf(first[name])]));
    const names = Object.keys(types);
    const declared = names.map((name) => `${quoted(name)}${types[name] === 'ANY' ? '' : ` ${types[name]}`}`);
    db.exec(`CREATE TABLE IF NOT EXISTS ${quoted(table)} (${[`${quoted(messageIdColumn)} TEXT UNIQUE`, ...declared].join(', ')})`);
    const there = new Set((db.prepare(`PRAGMA table_info(${quoted(table)})`).all() as { name: string }[]).map(({ name }) => name));
    const missing = [messageIdColumn, ...names].filter((name) => !there.has(name));
    if (missing.length > 0)
      throw new EdgeFlowError(
        'ROW_INVALID',
        `toSqlite: the table ${table} was made otherwise: it has no ${missing.join(', ')}; add what is missing (message_id TEXT UNIQUE) or name another table`,
      );
    this.#columns = names;
    const all = [messageIdColumn, ...names];
    return db.prepare(
      `INSERT INTO ${quoted(table)} (${all.map(quoted).join(', ')}) VALUES (${all.map(() => '?').join(', ')}) ` +
        `ON CONFLICT (${quoted(messageIdColumn)}) DO NOTHING`,
    );
  }
}

/** The error for a row that the table does not take; undefined for what concerns the whole file. */
function rowError(error: unknown): EdgeFlowError | undefined {
  if (error instanceof EdgeFlowError) return error;
  const code = systemCode(error) ?? '';
  if (!(error instanceof TypeError || error instanceof RangeError || /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)))
    return undefined;
  return new EdgeFlowError('ROW_INVALID', `toSqlite: the table does not take a row: ${error instanceof Error ? error.message : code}`, {
    cause: error,
  });
}
