import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Frame } from '../frame.js';
import { appendLine } from './blobIndex.js';
import { blobPath } from './blobRef.js';
import type { BlobRef } from './blobRef.js';
import { removeAbandoned, storeFailed, syncFolder, systemCode, temporaryPath } from './files.js';
import { Rotation } from './rotation.js';
import type { RetentionLimits } from './rotation.js';

/** What stored pictures survive: the death of any process, or a loss of power as well. */
export type StoreDurability = 'process' | 'power';

/** Options of a {@link BlobStore}. */
export interface BlobStoreOptions extends RetentionLimits {
  /** Directory, relative to the working directory. It is made where it is missing. */
  readonly directory: string;
  readonly durability: StoreDurability;
}

/** A directory of pictures. Several processes may write to one. */
export class BlobStore {
  readonly #options: BlobStoreOptions;
  readonly #rotation: Rotation;
  #opened: Promise<void> | undefined;
  #rotating: Promise<void> = Promise.resolve();

  constructor(options: BlobStoreOptions) {
    this.#options = options;
    this.#rotation = new Rotation(options.directory, options);
  }

  /**
   * Stores a picture, and removes old ones where there are limits.
   *
   * @param identity - the same text for the same message: a picture that comes again replaces itself.
   * @throws EdgeFlowError `STORE_FAILED`, `FRAME_INVALID`
   */
  async put(frame: Frame, identity: string | undefined): Promise<BlobRef> {
    const path = blobPath(frame, identity);
    const { data, time, width, height, format, source, index } = frame;
    const sha256 = createHash('sha256').update(data).digest('hex');
    const ref: BlobRef = { path, bytes: data.length, time, width, height, format, source, index, sha256 };
    try {
      await (this.#opened ??= removeAbandoned(this.#options.directory));
      await this.#writeAndRotate(ref, data);
    } catch (error) {
      // Somebody may have removed the whole directory: it is made again at the next attempt.
      this.#opened = undefined;
      throw storeFailed('storeBlob', this.#options.directory, error);
    }
    return ref;
  }

  async #writeAndRotate(ref: BlobRef, data: Uint8Array): Promise<void> {
    this.#rotation.begins(ref.path);
    try {
      await this.#write(ref, data);
    } catch (error) {
      this.#rotation.ends(ref.path);
      throw error;
    }
    // One at a time: two at once would both remove a picture for the same byte too many.
    const rotated = this.#rotating.then(() => this.#rotation.stored(ref)).finally(() => this.#rotation.ends(ref.path));
    this.#rotating = rotated.catch(() => undefined);
    await rotated;
  }

  async #write(ref: BlobRef, data: Uint8Array): Promise<void> {
    const { directory, durability } = this.#options;
    const sync = durability === 'power';
    const temporary = await temporaryPath(directory, ref.sha256.slice(0, 8));
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(data);
        if (sync) await file.sync();
      } finally {
        await file.close();
      }
      await this.#name(temporary, ref, sync);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Gives a written file its line and its name. Another process may remove the folder as empty in between: again then. */
  async #name(temporary: string, ref: BlobRef, sync: boolean): Promise<void> {
    const { directory } = this.#options;
    const target = join(directory, ref.path);
    const folder = dirname(target);
    for (let attempt = 1; ; attempt++) {
      try {
        const made = await mkdir(folder, { recursive: true });
        let line = await appendLine(folder, ref, sync);
        try {
          await rename(temporary, target);
        } catch (error) {
          await line.confirm();
          throw error;
        }
        while (!(await line.confirm())) line = await appendLine(folder, ref, sync);
        if (!sync) return;
        for (const path of made === undefined ? [folder] : [folder, dirname(folder), directory]) await syncFolder(path);
        return;
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
      }
    }
  }
}
