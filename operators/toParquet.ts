import { resolve } from 'node:path';
import { batch, EdgeFlowError, mapAsync } from 'edgeflow';
import { defer, filter } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { checkCount, checkSpan } from './checks.js';
import type { StoreDurability } from './blobs/blobStore.js';
import { withIdentity } from './blobs/deliveryIdentity.js';
import { storeFailed } from './blobs/files.js';
import { outageOfDisk } from './sinks/disk.js';
import { messageKey } from './sinks/messageKey.js';
import { checkPatience, Target } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';
import { checkTypes } from './table/parquetColumns.js';
import type { ParquetColumns, ParquetRow } from './table/parquetColumns.js';
import { ParquetFiles } from './table/parquetFiles.js';
import type { ParquetRef } from './table/parquetFiles.js';
import { checkColumns, checkRow, rowsOf } from './table/row.js';
import type { Row } from './table/row.js';

/** Options of {@link toParquet}. */
export interface ToParquetOptions<T> extends PatienceOptions {
  /** Directory, relative to the working directory; made where it is missing. Several processes may write to one. */
  readonly directory: string;
  /** The columns and their types, the same for all files. */
  readonly columns: ParquetColumns;
  /** The row of a value, by column names; several rows or none as a list. */
  readonly row: (value: T) => Row | readonly Row[];
  /** Values of one file. @defaultValue 10000 */
  readonly valuesPerFile?: number;
  /** A file that is not full is written after so long, in milliseconds. @defaultValue 60000 */
  readonly everyMs?: number;
  /** What a file survives: `process` any process's death, `power` a loss of power too. @defaultValue 'process' */
  readonly durability?: StoreDurability;
}

const types: readonly string[] = ['STRING', 'DOUBLE', 'INT64', 'BOOLEAN', 'TIMESTAMP', 'BYTE_ARRAY'];

/**
 * Collects the rows of values into Parquet files, and tells where each file is.
 *
 * ```
 * in   --a-b-c-----d---------|
 *      toParquet({ directory, columns, row, valuesPerFile: 3, everyMs: 5 })
 * out  ------F----------G----|      { path: '2026-11-23/001795443259123-….parquet', rows: 3, … }
 * ```
 *
 * A file has its name only when it is whole (https://parquet.apache.org). Values wait for their file with their deliveries
 * open, and do not count against the source's prefetch; of a value only its rows are kept. The column `message_id` tells
 * the messages: after a kill between a file's writing and its acks, the same messages come again in another file.
 *
 * - **Emits** one {@link ParquetRef} for each file, in answer to all its messages.
 * - **Settles** the deliveries of a file together, when it is in its place and what is downstream is done with the reference.
 * - **Waits** while the disk is full; says so once, and once when it goes on.
 * - **Fails** the delivery with `ROW_INVALID` for a row that does not fit `columns`, and with what `row` throws; those of a file
 *   with `STORE_FAILED` when `patienceMs` are over, or `DEPENDENCY_MISSING` without the package `hyparquet-writer`.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * detections.pipe(toParquet({
 *   directory: 'lake', columns: { time: 'TIMESTAMP', count: 'DOUBLE' }, row: ({ time, objects }) => ({ time: new Date(time), count: objects.length }),
 * })).subscribe();
 * ```
 */
export function toParquet<T>(options: ToParquetOptions<T>): OperatorFunction<T, ParquetRef> {
  const { row, columns, valuesPerFile = 10_000, everyMs = 60_000, durability = 'process', patienceMs = Infinity } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `toParquet: ${what}`);
  };
  if (typeof options.directory !== 'string' || options.directory === '') fail('directory is empty; expected the path of a folder');
  if (typeof row !== 'function') fail('row is not a function; expected one from a value to a row');
  checkColumns('toParquet', Object.keys(columns));
  for (const [name, type] of Object.entries(columns))
    if (!types.includes(type)) fail(`the column ${name} is of type '${type}'; expected one of ${types.join(', ')}`);
  checkCount('toParquet', 'valuesPerFile', valuesPerFile);
  checkSpan('toParquet', 'everyMs', everyMs);
  if (!['process', 'power'].includes(durability)) fail(`durability is '${durability}'; expected 'process' or 'power'`);
  checkPatience('toParquet', patienceMs);
  const directory = resolve(options.directory);
  const known = new Set(Object.keys(columns));

  return (source) =>
    defer(() => {
      const target = new Target({ operator: 'toParquet', label: directory, patienceMs, code: 'STORE_FAILED' });
      const files = new ParquetFiles(directory, durability === 'power');
      return source.pipe(
        withIdentity('toParquet'),
        mapAsync(({ value, identity }): ParquetRow[] => {
          const key = identity === undefined ? undefined : messageKey(identity);
          return rowsOf(row(value)).map((made) => {
            checkRow('toParquet', made, known);
            checkTypes(made, columns);
            return { key, row: made };
          });
        }),
        filter((rows) => rows.length > 0),
        batch(valuesPerFile, { maxWaitMs: everyMs }),
        mapAsync(async (rows, { signal }) => {
          const time = Date.now();
          try {
            return await target.reach(() => files.write(rows.flat(), columns, time), outageOfDisk, signal);
          } catch (error) {
            throw storeFailed('toParquet', directory, error);
          }
        }),
      );
    });
}
