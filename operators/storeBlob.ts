import { resolve } from 'node:path';
import { EdgeFlowError, mapAsync } from 'edgeflow';
import { defer } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import type { BlobRef } from './blobs/blobRef.js';
import { BlobStore } from './blobs/blobStore.js';
import type { StoreDurability } from './blobs/blobStore.js';
import { withIdentity } from './blobs/deliveryIdentity.js';
import type { RetentionLimits } from './blobs/rotation.js';
import { checkAtLeast, checkCount } from './checks.js';
import { encodeJpeg } from './encodeJpeg.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';

/** Options of {@link storeBlob}. */
export interface StoreBlobOptions extends RetentionLimits {
  /** Directory, relative to the working directory; made where it is missing. Several processes may write to one. */
  readonly directory: string;
  /** `jpeg` encodes what is not JPEG yet; `raw` stores the bytes as they come. @defaultValue 'jpeg' */
  readonly format?: 'jpeg' | 'raw';
  /** JPEG quality from 1 to 100. @defaultValue 85 */
  readonly quality?: number;
  /** What a stored picture survives: `process` any process's death, `power` a loss of power too. @defaultValue 'process' */
  readonly durability?: StoreDurability;
  /** How many pictures are encoded and written at once. @defaultValue 2 */
  readonly concurrency?: number;
}

/**
 * Stores each frame as a file and passes on where it is.
 *
 * ```
 * in   --a-----b-----c--|
 *      storeBlob({ directory: 'archive' })
 * out  ----A-----B-----C|      { path: '2026-11-23/14-27/001795443259123-0000000042-….jpg', bytes, sha256, … }
 * ```
 *
 * A file has its name only when it is whole, and its line in the index before that ({@link listBlobs} reads it), so
 * that a kill at any moment leaves nothing torn. A message that is delivered again replaces its own file. A `.json` of a
 * picture's name that you put beside it goes when the picture does, as an old one that is over a limit.
 *
 * - **Emits** one {@link BlobRef} for each frame, in order, when the file is in its place.
 * - **Settles** when what is downstream is done with the reference.
 * - **Fails** the delivery, so that it is tried again: `STORE_FAILED` when the disk is full or the directory cannot be
 *   written, `FRAME_INVALID` for a frame that does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(storeBlob({ directory: 'archive', maxBytes: 10e9, maxAgeMs: 7 * 86_400_000 })).subscribe();
 * ```
 */
export function storeBlob(options: StoreBlobOptions): OperatorFunction<Frame, BlobRef> {
  const { format = 'jpeg', quality = 85, durability = 'process', concurrency = 2, maxCount, maxBytes, maxAgeMs } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `storeBlob: ${what}`);
  };
  if (typeof options.directory !== 'string' || options.directory === '') fail('directory is empty; expected the path of a folder');
  if (!['jpeg', 'raw'].includes(format)) fail(`format is '${format}'; expected 'jpeg' or 'raw'`);
  if (!['process', 'power'].includes(durability)) fail(`durability is '${durability}'; expected 'process' or 'power'`);
  checkCount('storeBlob', 'quality', quality, 100);
  checkAtLeast('storeBlob', 'concurrency', concurrency, 1);
  for (const [name, limit] of Object.entries({ maxCount, maxBytes, maxAgeMs }))
    if (limit !== undefined) checkAtLeast('storeBlob', name, limit, 1);
  const directory = resolve(options.directory);

  return (frames) =>
    defer(() => {
      const store = new BlobStore({
        directory,
        durability,
        maxCount: maxCount ?? Infinity,
        maxBytes: maxBytes ?? Infinity,
        maxAgeMs: maxAgeMs ?? Infinity,
      });
      return (format === 'jpeg' ? frames.pipe(encodeJpeg({ quality, concurrency })) : frames).pipe(
        withIdentity('storeBlob'),
        mapAsync(
          ({ value, identity }) => {
            checkFrame(value);
            return store.put(value, identity);
          },
          { concurrency },
        ),
      );
    });
}
