import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { emptyWhereMissing, storeFailed } from '../blobs/files.js';
import type { LineSink } from './lineSink.js';

/** Options of a {@link FileSink}. */
export interface FileSinkOptions {
  readonly path: string;
  readonly maxBytes: number;
  readonly maxFiles: number;
  readonly sync: boolean;
}

const newline = 0x0a;

/**
 * Lines appended to a file. Several processes may append to one: each write is whole lines, and a full file is renamed
 * to a name of its own, never over another, so that no rotation can lose what another process just wrote.
 */
export class FileSink implements LineSink {
  readonly #options: FileSinkOptions;
  /** The open file, and what it was when it was opened. */
  #open: { readonly file: FileHandle; readonly stats: Stats } | undefined;
  /** Whether the file may end in the middle of a line. */
  #torn = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
  }

  async write(lines: string): Promise<void> {
    const { path, maxBytes, sync } = this.#options;
    try {
      const { file, size } = await this.#current();
      const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
      this.#torn = true;
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error('ENOSPC: the line was cut short');
      this.#torn = false;
      if (sync) await file.sync();
      if (size + bytesWritten >= maxBytes) await this.#rotate();
    } catch (error) {
      await this.close();
      throw storeFailed('logTo', path, error);
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  /** The open file, with how long it is; opened again where another process or a tool renamed or removed it. */
  async #current(): Promise<{ readonly file: FileHandle; readonly size: number }> {
    const { path } = this.#options;
    if (this.#open) {
      const { file, stats } = this.#open;
      const there = await emptyWhereMissing(stat(path), undefined);
      if (there && isSame(there, stats)) return { file, size: sizeOf(there) };
      await this.close();
    }
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+');
    const stats = await file.stat().catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    this.#open = { file, stats };
    const size = sizeOf(stats);
    const last = Buffer.alloc(1, newline);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    this.#torn = last[0] !== newline;
    return { file, size };
  }

  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options;
    const there = await emptyWhereMissing(stat(path), undefined);
    const isOurs = there && this.#open && isSame(there, this.#open.stats);
    await this.close();
    const extension = extname(path);
    const stem = basename(path, extension);
    if (isOurs) {
      const stamp = new Date().toISOString().replace(/[:.]/g, '-');
      await emptyWhereMissing(
        rename(path, join(dirname(path), `${stem}.${stamp}-${randomBytes(3).toString('hex')}${extension}`)),
        undefined,
      );
    }
    const rotated = (await readdir(dirname(path))).filter(
      (name) =>
        name.startsWith(`${stem}.`) &&
        /^\d{4}-\d\d-\d\dT[\d-]+Z-[0-9a-f]{6}$/.test(name.slice(stem.length + 1, name.length - extension.length)),
    );
    for (const name of rotated.sort().slice(0, Math.max(0, rotated.length - (maxFiles - 1))))
      await rm(join(dirname(path), name), { force: true });
  }
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

/** Pipes and devices have no size, no end to look at, and are never full. */
function sizeOf(file: Stats): number {
  return file.isFile() ? file.size : -Infinity;
}
