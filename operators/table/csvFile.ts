import { mkdir, open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { stringify } from 'csv-stringify/sync';
import { EdgeFlowError } from 'edgeflow';
import { emptyWhereMissing } from '../blobs/files.js';
import { loadPackage } from '../packages.js';
import { wholeRows } from './csvTail.js';
import { checkRow, columnsOf, messageIdColumn } from './row.js';
import type { FieldValue, Row } from './row.js';

/** Options of a {@link CsvFile}. */
export interface CsvFileOptions {
  readonly path: string;
  readonly columns: readonly string[] | undefined;
  readonly delimiter: string;
  readonly escapeFormulas: boolean;
  readonly sync: boolean;
}

/** The rows of one message. */
export interface CsvGroup {
  /** Undefined where the value came from no broker: its rows are then always new. */
  readonly key: string | undefined;
  readonly rows: readonly Row[];
}

/** What spreadsheets take for the beginning of a formula (OWASP, CSV Injection). */
const formulaStart = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
/** Messages that are remembered, to know those that come again: more than any link has open. */
const mostRemembered = 100_000;

/** One CSV file that rows are appended to, by one process. */
export class CsvFile {
  readonly #options: CsvFileOptions;
  /** From when it is being opened, so that it is closed then too. */
  #file: Promise<FileHandle> | undefined;
  #stringify: typeof stringify | undefined;
  #columns: readonly string[] | undefined;
  #size = 0;
  /** Keys of the last messages in the file. */
  #written = new Set<string>();

  constructor(options: CsvFileOptions) {
    this.#options = options;
    this.#columns = options.columns;
  }

  /**
   * Appends rows in one write. Those of a message that is in the file already are left out.
   *
   * @returns for each group an error that is its own; the others are written.
   */
  async append(groups: readonly CsvGroup[]): Promise<(EdgeFlowError | undefined)[]> {
    if (this.#file && !(await this.#isThere(await this.#file))) await this.close();
    const file = await (this.#file ??= this.#open());
    const columns = this.#columns ?? this.#firstColumns(groups);
    if (columns.length > 0) this.#columns = columns;
    const known = new Set(columns);
    const texts: string[] = [];
    const keys: string[] = [];
    const outcomes = groups.map(({ key, rows }) => {
      if (key !== undefined && (this.#written.has(key) || keys.includes(key))) return undefined;
      try {
        for (const row of rows) checkRow('toCsv', row, known);
        texts.push(
          this.#text(rows.map((row, place) => [rowKey(key, place, rows.length), ...columns.map((name) => this.#field(row[name]))])),
        );
        if (key !== undefined) keys.push(key);
        return undefined;
      } catch (error) {
        if (error instanceof EdgeFlowError) return error;
        throw error;
      }
    });
    if (this.#size === 0 && columns.length > 0) texts.unshift(this.#text([[messageIdColumn, ...columns]]));
    await this.#write(file, Buffer.from(texts.join('')));
    for (const key of keys) this.#remember(key);
    return outcomes;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    // Where it could not be opened, there is nothing to close.
    await (await file?.catch(() => undefined))?.close();
  }

  /** Whether the path still leads to the file; another program may have removed or renamed it. */
  async #isThere(file: FileHandle): Promise<boolean> {
    const [mine, there] = await Promise.all([file.stat(), emptyWhereMissing(stat(this.#options.path), undefined)]);
    return there?.ino === mine.ino && there.dev === mine.dev;
  }

  #firstColumns(groups: readonly CsvGroup[]): readonly string[] {
    const first = groups.find(({ rows }) => rows[0])?.rows[0];
    return first ? columnsOf('toCsv', first) : [];
  }

  async #open(): Promise<FileHandle> {
    try {
      return await this.#opened();
    } catch (error) {
      this.#file = undefined;
      throw error;
    }
  }

  async #opened(): Promise<FileHandle> {
    const { path, delimiter } = this.#options;
    const csv = await loadPackage('csv-stringify', 'toCsv', () => import('csv-stringify/sync'));
    this.#stringify = csv.stringify;
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+').then(async (made) => {
      await made.close();
      return open(path, 'r+');
    });
    try {
      const there = await wholeRows(file, delimiter, mostRemembered);
      await file.truncate(there.bytes);
      this.#size = there.bytes;
      this.#written = new Set(there.firstFields);
      if (there.header) this.#useHeader(there.header);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #useHeader([first, ...columns]: readonly string[]): void {
    const { path } = this.#options;
    const wanted = this.#columns;
    if (first !== messageIdColumn || (wanted && wanted.join() !== columns.join()))
      throw new EdgeFlowError(
        'ROW_INVALID',
        `toCsv: ${path} has the columns ${[first, ...columns].join(', ')}; expected ${[messageIdColumn, ...(wanted ?? ['…'])].join(', ')}. Name another file`,
      );
    this.#columns = columns;
  }

  #field(value: FieldValue): string {
    if (value === undefined || value === null) return '';
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value))
      throw new EdgeFlowError(
        'ROW_INVALID',
        `toCsv: a field holds ${typeof value}; expected text, a number, a boolean, a Date, bytes or null`,
      );
    // Numbers are never formulas, and a quote before them would make them text.
    return this.#options.escapeFormulas && typeof value === 'string' && formulaStart.test(value) ? `'${value}` : String(value);
  }

  #text(rows: readonly (readonly string[])[]): string {
    return this.#stringify?.(rows as string[][], { delimiter: this.#options.delimiter, record_delimiter: 'unix' }) ?? '';
  }

  async #write(file: FileHandle, bytes: Buffer): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length)
        written += (await file.write(bytes, written, bytes.length - written, this.#size + written)).bytesWritten;
      if (this.#options.sync) await file.datasync();
      this.#size += bytes.length;
    } catch (error) {
      // What is there of it goes with the next opening, where this does not succeed.
      await file.truncate(this.#size).catch(() => undefined);
      throw error;
    }
  }

  #remember(key: string): void {
    this.#written.add(key);
    const [oldest] = this.#written;
    if (this.#written.size > mostRemembered && oldest !== undefined) this.#written.delete(oldest);
  }
}

/** The last row of a message alone has its bare key: only then were all of them written. */
function rowKey(key: string | undefined, place: number, count: number): string {
  if (key === undefined) return '';
  return place === count - 1 ? key : `${key}.${place}`;
}
