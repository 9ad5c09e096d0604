import { createHash } from 'node:crypto';
import { constants, open, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { EdgeFlowError, mapAsync } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { isBlobRef } from './blobs/blobRef.js';
import type { BlobRef } from './blobs/blobRef.js';
import { systemCode } from './blobs/files.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';

/** Options of {@link loadBlob}. */
export interface LoadBlobOptions {
  /** The directory that `storeBlob` wrote to, relative to the working directory. */
  readonly directory: string;
  /** How many files are read at once. @defaultValue 2 */
  readonly concurrency?: number;
}

/** Largest file that is read: an uncompressed picture of the largest size. */
const maxBytes = 16_384 * 16_384 * 3;

async function load(directory: string, ref: BlobRef): Promise<Frame> {
  const invalid = (what: string): EdgeFlowError => new EdgeFlowError('BLOB_INVALID', `loadBlob: ${what}`);
  if (!isBlobRef(ref)) throw invalid('the value is not a reference that storeBlob made, or its path has another form');
  const path = resolve(directory, ref.path);
  try {
    const [root, real] = await Promise.all([realpath(directory), realpath(path)]);
    if (!real.startsWith(root + sep)) throw invalid(`${ref.path} leads out of ${directory} by a symbolic link`);
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { size } = await file.stat();
      if (size !== ref.bytes || size > maxBytes) throw invalid(`${path} has ${size} bytes; expected ${ref.bytes}`);
      const data = await file.readFile();
      const sha256 = createHash('sha256').update(data).digest('hex');
      if (sha256 !== ref.sha256) throw invalid(`${path} was changed: its SHA-256 is ${sha256}; expected ${ref.sha256}`);
      const { width, height, format, time, index, source } = ref;
      const frame: Frame = { data, width, height, format, time, index, source };
      checkFrame(frame);
      return frame;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new EdgeFlowError('BLOB_MISSING', `loadBlob: there is no ${path}; it was removed, perhaps by the limits of storeBlob`, {
      cause: error,
    });
  }
}

/**
 * Reads the frames back that `storeBlob` stored.
 *
 * ```
 * in   --A-----B-----C--|      references
 *      loadBlob({ directory: 'archive' })
 * out  ----a-----b-----c|      frames
 * ```
 *
 * - **Emits** one frame for each reference, in order, of the format in which it was stored.
 * - **Settles** when what is downstream is done with the frame.
 * - **Fails** the delivery: `BLOB_MISSING` when the file is gone, `BLOB_INVALID` when the path is not one of the
 *   store's or the bytes are not those that were stored.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * from(listBlobs('archive')).pipe(loadBlob({ directory: 'archive' }), decodeImage()).subscribe();
 * ```
 */
export function loadBlob(options: LoadBlobOptions): OperatorFunction<BlobRef, Frame> {
  if (typeof options.directory !== 'string' || options.directory === '')
    throw new EdgeFlowError('OPTIONS_INVALID', 'loadBlob: directory is empty; expected the path of a folder');
  const directory = resolve(options.directory);
  return mapAsync((ref) => load(directory, ref), { concurrency: options.concurrency ?? 2 });
}
