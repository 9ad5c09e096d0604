import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeAbandoned, syncFolder, temporaryPath } from '../blobs/files.js';
import { loadPackage } from '../packages.js';
import { columnData } from './parquetColumns.js';
import type { ParquetColumns, ParquetRow } from './parquetColumns.js';

/** Where a Parquet file is. */
export interface ParquetRef {
  /** Path below the directory, with `/` between its parts. */
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  /** When it was written, in milliseconds since the epoch. */
  readonly time: number;
}

/** A directory of Parquet files, one folder a day. */
export class ParquetFiles {
  readonly #directory: string;
  readonly #sync: boolean;
  #opened: Promise<void> | undefined;

  constructor(directory: string, sync: boolean) {
    this.#directory = directory;
    this.#sync = sync;
  }

  /** Writes a file, which has its name only when it is whole. The same messages at the same time replace their own file. */
  async write(rows: readonly ParquetRow[], columns: ParquetColumns, time: number): Promise<ParquetRef> {
    const { parquetWriteBuffer } = await loadPackage('hyparquet-writer', 'toParquet', () => import('hyparquet-writer'));
    const bytes = Buffer.from(parquetWriteBuffer({ columnData: columnData(rows, columns), createdBy: 'edgeflow' }));
    const [day = ''] = new Date(time).toISOString().split('T');
    const path = `${day}/${String(time).padStart(15, '0')}-${nameOf(rows)}.parquet`;
    const target = join(this.#directory, path);
    try {
      await (this.#opened ??= removeAbandoned(this.#directory));
      const temporary = await temporaryPath(this.#directory, 'parquet');
      await this.#put(temporary, target, bytes);
    } catch (error) {
      // Somebody may have removed the whole directory: it is made again at the next attempt.
      this.#opened = undefined;
      throw error;
    }
    return { path, bytes: bytes.length, rows: rows.length, time };
  }

  async #put(temporary: string, target: string, bytes: Buffer): Promise<void> {
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(bytes);
        if (this.#sync) await file.sync();
      } finally {
        await file.close();
      }
      await mkdir(dirname(target), { recursive: true });
      await rename(temporary, target);
      if (this.#sync) await syncFolder(dirname(target));
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** Made of the messages, where all have an id. */
function nameOf(rows: readonly ParquetRow[]): string {
  if (rows.some(({ key }) => key === undefined)) return randomBytes(10).toString('hex');
  const hash = createHash('sha256');
  for (const { key } of rows) hash.update(`${key}\n`);
  return hash.digest('hex').slice(0, 20);
}
