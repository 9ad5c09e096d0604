import { resolve } from 'node:path';
import { EdgeFlowError } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkAtLeast } from './checks.js';
import type { StoreDurability } from './blobs/blobStore.js';
import { outageOfDisk } from './sinks/disk.js';
import { checkPatience } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';
import { CsvFile } from './table/csvFile.js';
import type { CsvGroup } from './table/csvFile.js';
import { checkColumns, rowsOf } from './table/row.js';
import type { Row } from './table/row.js';
import { tableSink } from './table/tableSink.js';

/** Options of {@link toCsv}. */
export interface ToCsvOptions<T> extends PatienceOptions {
  /** Path of the file, relative to the working directory; made with its folders where missing. One process may write to it. */
  readonly file: string;
  /** The row of a value, by column names; several rows or none as a list. */
  readonly row: (value: T) => Row | readonly Row[];
  /** Names of the columns. @defaultValue those of the file, else those of the first row */
  readonly columns?: readonly string[];
  /** One character between fields. @defaultValue ',' */
  readonly delimiter?: string;
  /** Puts `'` before text that a spreadsheet would run as a formula. @defaultValue true */
  readonly escapeFormulas?: boolean;
  /** What a row survives: `process` any process's death, `power` a loss of power too. @defaultValue 'process' */
  readonly durability?: StoreDurability;
  /** How many values may wait for the write under way; they are then written together. @defaultValue 256 */
  readonly concurrency?: number;
}

/**
 * Appends a row for each value to a CSV file, once, and passes the value on.
 *
 * ```
 * in   --abc----d---|
 *      toCsv({ file: 'seen.csv', row })
 * out  ----abc---d--|      a, b and c in one write
 * ```
 *
 * The first column is `message_id`, by which a message that is delivered again is recognised. A row that a kill tore is
 * cut off when the file is opened again; its message comes again. As RFC 4180 has it, with a newline for the row's end.
 *
 * - **Emits** each value, in order, when its rows are in the file.
 * - **Settles** when what is downstream is done with the value.
 * - **Waits** while the disk is full; says so once, and once when it goes on.
 * - **Fails** the delivery with `ROW_INVALID` for a row or a file that has other columns, `STORE_FAILED` when `patienceMs` are
 *   over, `DEPENDENCY_MISSING` without the package `csv-stringify`, and with what `row` throws.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * detections.pipe(toCsv({ file: 'seen.csv', row: ({ time, objects }) => objects.map(({ label, score }) => ({ time, label, score })) }))
 * ```
 */
export function toCsv<T>(options: ToCsvOptions<T>): MonoTypeOperatorFunction<T> {
  const { file, row, columns, delimiter = ',', escapeFormulas = true, durability = 'process', concurrency = 256 } = options;
  const { patienceMs = Infinity } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `toCsv: ${what}`);
  };
  if (typeof file !== 'string' || file === '') fail('file is empty; expected a path');
  if (typeof row !== 'function') fail('row is not a function; expected one from a value to a row');
  if (columns) checkColumns('toCsv', columns);
  if (!/^[^\w\s".-]$|^\t$/.test(delimiter)) fail(`delimiter is '${delimiter}'; expected one character such as , or ;`);
  if (!['process', 'power'].includes(durability)) fail(`durability is '${durability}'; expected 'process' or 'power'`);
  checkAtLeast('toCsv', 'concurrency', concurrency, 1);
  checkPatience('toCsv', patienceMs);
  const path = resolve(file);

  return tableSink<T, CsvGroup>({
    operator: 'toCsv',
    path,
    patienceMs,
    concurrency,
    groupOf: (value, key) => ({ key, rows: rowsOf(row(value)) }),
    outageOf: outageOfDisk,
    open: () => {
      const csv = new CsvFile({ path, columns, delimiter, escapeFormulas, sync: durability === 'power' });
      return {
        write: (groups) => csv.append(groups),
        close: () => {
          csv.close().catch((error: unknown) => {
            process.emitWarning(`toCsv: ${path} could not be closed: ${String(error)}`, 'EdgeFlowWarning');
          });
        },
      };
    },
  });
}
