import { resolve } from 'node:path';
import { EdgeFlowError } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkAtLeast } from './checks.js';
import type { StoreDurability } from './blobs/blobStore.js';
import { checkPatience } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';
import { checkColumns, isName, rowsOf } from './table/row.js';
import type { Row } from './table/row.js';
import { outageOfDatabase } from './table/sqliteErrors.js';
import { SqliteTable } from './table/sqliteTable.js';
import type { ColumnType, KeyedRow } from './table/sqliteTable.js';
import { tableSink } from './table/tableSink.js';

/** Options of {@link toSqlite}. */
export interface ToSqliteOptions<T> extends PatienceOptions {
  /** Path of the database, relative to the working directory; made with its folders where missing. */
  readonly file: string;
  /** Name of the table; made where it is missing. */
  readonly table: string;
  /** The row of a value, by column names; several rows or none as a list. */
  readonly row: (value: T) => Row | readonly Row[];
  /** The columns and how SQLite keeps them. @defaultValue those of the first row */
  readonly columns?: Readonly<Record<string, ColumnType>>;
  /** What a row survives: `process` any process's death, `power` a loss of power too. @defaultValue 'process' */
  readonly durability?: StoreDurability;
  /** How many values may be inserted in one transaction. @defaultValue 256 */
  readonly concurrency?: number;
}

/**
 * Inserts a row for each value into a table of an SQLite file, once, and passes the value on.
 *
 * ```
 * in   --abc----d---|
 *      toSqlite({ file: 'log.db', table: 'seen', row })
 * out  ----abc---d--|      a, b and c in one transaction
 * ```
 *
 * The table has a column `message_id` besides yours, by which a message that is delivered again is recognised, however
 * long ago it was: there is one row for each message (or each of its rows), whatever is killed.
 *
 * - **Emits** each value, in order, when its rows are committed.
 * - **Settles** when what is downstream is done with the value.
 * - **Waits** while the disk is full, or another program has locked the file; says so once, and once when it goes on.
 * - **Fails** the delivery with `ROW_INVALID` for a row that does not fit the table, `STORE_FAILED` when `patienceMs` are
 *   over or the file is not a database, `DEPENDENCY_MISSING` without the package `libsql`, and with what `row` throws.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * detections.pipe(toSqlite({ file: 'log.db', table: 'seen', row: ({ time, objects }) => ({ time, count: objects.length }) }))
 * ```
 */
export function toSqlite<T>(options: ToSqliteOptions<T>): MonoTypeOperatorFunction<T> {
  const { file, table, row, columns, durability = 'process', concurrency = 256, patienceMs = Infinity } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `toSqlite: ${what}`);
  };
  if (typeof file !== 'string' || file === '') fail('file is empty; expected the path of a database');
  if (!isName(table)) fail(`table is '${table}'; expected letters, digits and _, not a digit first`);
  if (typeof row !== 'function') fail('row is not a function; expected one from a value to a row');
  if (columns) {
    checkColumns('toSqlite', Object.keys(columns));
    for (const [name, type] of Object.entries(columns))
      if (!['INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY'].includes(type))
        fail(`the column ${name} is of type '${type}'; expected INTEGER, REAL, TEXT, BLOB or ANY`);
  }
  if (!['process', 'power'].includes(durability)) fail(`durability is '${durability}'; expected 'process' or 'power'`);
  checkAtLeast('toSqlite', 'concurrency', concurrency, 1);
  checkPatience('toSqlite', patienceMs);
  const path = resolve(file);

  return tableSink<T, readonly KeyedRow[]>({
    operator: 'toSqlite',
    path,
    patienceMs,
    concurrency,
    groupOf: (value, key) => rowsOf(row(value)).map((made, place) => ({ key: key && (place ? `${key}.${place}` : key), row: made })),
    outageOf: outageOfDatabase,
    open: () => {
      const database = new SqliteTable({ file: path, table, columns, sync: durability === 'power' });
      return { write: (groups) => database.insert(groups), close: () => database.close() };
    },
  });
}
