import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { emptyWhereMissing, isAbandoned, machine, syncFolder } from '../blobs/files.js';
import type { RetentionLimits } from '../blobs/rotation.js';
import { wholeLength } from './wholeLength.js';

/** Names are a time and a hash: no text of a value can choose a path, and names sort by time. */
const clipPattern = /^(\d{15}-[0-9a-f]{12})\.mp4$/;
const unfinishedPattern = /^(\d{15}-[0-9a-f]{12})\.([0-9a-f]{8})-(\d+)\.part\.mp4$/;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/** Options of a {@link ClipStore}. */
export interface ClipStoreOptions extends Required<RetentionLimits> {
  readonly directory: string;
  readonly sync: boolean;
}

/** A directory of clips. Several processes may write to one. */
export class ClipStore {
  readonly #options: ClipStoreOptions;

  constructor(options: ClipStoreOptions) {
    this.#options = options;
  }

  /** Finishes the clips that dead processes left: cuts off what is not whole, and gives them their names. */
  async mend(): Promise<void> {
    const { directory } = this.#options;
    const here = await machine;
    for (const path of await this.#files(unfinishedPattern)) {
      const [, , host, pid] = unfinishedPattern.exec(path.slice(path.lastIndexOf('/') + 1)) ?? [];
      const full = join(directory, path);
      const changedAt = await emptyWhereMissing(
        stat(full).then(({ mtimeMs }) => mtimeMs),
        undefined,
      );
      if (changedAt !== undefined && isAbandoned(host === here, Number(pid), changedAt)) await emptyWhereMissing(mendClip(full), undefined);
    }
  }

  /** A new file for a clip that begins at this time. */
  async create(source: string, time: number): Promise<ClipFile> {
    const { directory, sync } = this.#options;
    const [day = ''] = new Date(time).toISOString().split('T');
    const hash = createHash('sha256').update(source).update(randomBytes(8)).digest('hex').slice(0, 12);
    const stem = `${day}/${String(time).padStart(15, '0')}-${hash}`;
    const unfinished = join(directory, `${stem}.${await machine}-${process.pid}.part.mp4`);
    await mkdir(dirname(unfinished), { recursive: true });
    return new ClipFile(await open(unfinished, 'wx'), unfinished, join(directory, `${stem}.mp4`), `${stem}.mp4`, sync);
  }

  /** Removes the oldest clips until the limits hold; never the one that was just finished. */
  async rotate(kept: string): Promise<void> {
    const { directory, maxCount, maxBytes, maxAgeMs } = this.#options;
    if (maxCount === Infinity && maxBytes === Infinity && maxAgeMs === Infinity) return;
    const clips: { path: string; bytes: number }[] = [];
    for (const path of await this.#files(clipPattern)) {
      const bytes = await emptyWhereMissing(
        stat(join(directory, path)).then(({ size }) => size),
        undefined,
      );
      if (bytes !== undefined) clips.push({ path, bytes });
    }
    let count = clips.length;
    let total = clips.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of clips) {
      const time = Number(path.slice(path.lastIndexOf('/') + 1).slice(0, 15));
      if (count <= maxCount && total <= maxBytes && time >= Date.now() - maxAgeMs) break;
      if (path === kept) continue;
      await rm(join(directory, path), { force: true });
      await rmdir(join(directory, dirname(path))).catch(() => {
        // There are other clips of that day.
      });
      count--;
      total -= bytes;
    }
  }

  /** Paths whose names have this form, oldest first. */
  async #files(pattern: RegExp): Promise<string[]> {
    const { directory } = this.#options;
    const paths: string[] = [];
    for (const day of (await emptyWhereMissing(readdir(directory), [])).filter((name) => dayPattern.test(name)).sort())
      for (const name of (await emptyWhereMissing(readdir(join(directory, day)), [])).sort())
        if (pattern.test(name)) paths.push(`${day}/${name}`);
    return paths;
  }
}

/** A clip that is being written. It can be played at any time. */
export class ClipFile {
  /** Below the store's directory, once it is finished. */
  readonly path: string;
  readonly #file: FileHandle;
  readonly #unfinished: string;
  readonly #finished: string;
  readonly #sync: boolean;
  #bytes = 0;

  constructor(file: FileHandle, unfinished: string, finished: string, path: string, sync: boolean) {
    this.#file = file;
    this.#unfinished = unfinished;
    this.#finished = finished;
    this.path = path;
    this.#sync = sync;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends a whole piece. May be called again with it after an error: what was written of it is overwritten. */
  async append(piece: Buffer): Promise<void> {
    let written = 0;
    try {
      while (written < piece.length) {
        const { bytesWritten } = await this.#file.write(piece, written, piece.length - written, this.#bytes + written);
        written += bytesWritten;
      }
      if (this.#sync) await this.#file.datasync();
      this.#bytes += piece.length;
    } catch (error) {
      // What is there of it goes, so that the clip can be played meanwhile. The error itself is told.
      await this.#file.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
  }

  /** Gives the file its name. */
  async finish(): Promise<void> {
    // Somebody may have removed it, and it may be asked for again after an error.
    await emptyWhereMissing(rename(this.#unfinished, this.#finished), undefined);
    if (this.#sync) await syncFolder(dirname(this.#finished));
    await this.#file.close();
  }

  /** Leaves what is there under its name, or nothing where no picture is in it. */
  async abandon(): Promise<void> {
    await this.#file.close();
    await emptyWhereMissing(mendClip(this.#unfinished), undefined);
  }
}

async function mendClip(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const length = await wholeLength(file);
    if (length === 0) await rm(path, { force: true });
    else {
      await file.truncate(length);
      await rename(path, path.replace(/\.[0-9a-f]{8}-\d+\.part\.mp4$/, '.mp4'));
    }
  } finally {
    await file.close();
  }
}
