import { randomBytes } from 'node:crypto';
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
  #file: FileHandle | undefined;
  /** Whether the file may end in the middle of a line. */
  #torn = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
  }

  async write(lines: string): Promise<void> {
    const { path, maxBytes, sync } = this.#options;
    try {
      const file = await this.#current();
      const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
      this.#torn = true;
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error('ENOSPC: the line was cut short');
      this.#torn = false;
      if (sync) await file.sync();
      if ((await file.stat()).size >= maxBytes) await this.#rotate(file);
    } catch (error) {
      await this.close();
      throw storeFailed('logTo', path, error);
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** The open file; opened again where another process or a tool renamed or removed it. */
  async #current(): Promise<FileHandle> {
    const { path } = this.#options;
    if (this.#file) {
      const [mine, there] = await Promise.all([this.#file.stat(), emptyWhereMissing(stat(path), undefined)]);
      if (there?.ino === mine.ino && there.dev === mine.dev) return this.#file;
      await this.close();
    }
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+');
    this.#file = file;
    const { size } = await file.stat();
    const last = Buffer.alloc(1, newline);
    // Pipes and devices have no size, and no end to look at.
    if (size > 0) await file.read(last, 0, 1, size - 1);
    this.#torn = last[0] !== newline;
    return file;
  }

  async #rotate(file: FileHandle): Promise<void> {
    const { path, maxFiles } = this.#options;
    const [mine, there] = await Promise.all([file.stat(), emptyWhereMissing(stat(path), undefined)]);
    await this.close();
    const extension = extname(path);
    const stem = basename(path, extension);
    if (there?.ino === mine.ino) {
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
