import { createHash } from 'node:crypto';
import { EdgeFlowError, mapAsync } from 'edgeflow';
import { defer, finalize } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { isBlobRef } from './blobs/blobRef.js';
import type { BlobRef } from './blobs/blobRef.js';
import { checkAtLeast } from './checks.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { Bucket } from './s3/bucket.js';
import { checkBucket } from './s3/options.js';
import type { BucketOptions } from './s3/options.js';
import { checkPatience } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';

/** Options of {@link loadS3}. */
export interface LoadS3Options extends BucketOptions, PatienceOptions {
  /** How many objects are read at once. @defaultValue 4 */
  readonly concurrency?: number;
}

/**
 * Reads the frames back that `storeS3` stored.
 *
 * ```
 * in   --A-----B-----C--|      references
 *      loadS3({ bucket: 'archive' })
 * out  ----a-----b-----c|      frames
 * ```
 *
 * - **Emits** one frame for each reference, in order, of the format in which it was stored.
 * - **Settles** when what is downstream is done with the frame.
 * - **Waits** as `storeS3` does.
 * - **Fails** the delivery: `BLOB_MISSING` when there is no such object, `BLOB_INVALID` when the reference has another form or
 *   the bytes are not those that were stored, `SINK_REFUSED`, `SINK_UNREACHABLE`.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * references.pipe(loadS3({ bucket: 'archive', prefix: 'door' }), decodeImage()).subscribe();
 * ```
 */
export function loadS3(options: LoadS3Options): OperatorFunction<BlobRef, Frame> {
  const { concurrency = 4, patienceMs = Infinity } = options;
  checkBucket('loadS3', options);
  checkPatience('loadS3', patienceMs);
  checkAtLeast('loadS3', 'concurrency', concurrency, 1);

  return (references) =>
    defer(() => {
      const bucket = new Bucket('loadS3', options);
      return references.pipe(
        mapAsync((ref, { signal }) => load(bucket, ref, signal), { concurrency }),
        finalize(() => bucket.close()),
      );
    });
}

async function load(bucket: Bucket, ref: BlobRef, signal: AbortSignal): Promise<Frame> {
  const invalid = (what: string): EdgeFlowError => new EdgeFlowError('BLOB_INVALID', `loadS3: ${what}`);
  if (!isBlobRef(ref)) throw invalid('the value is not a reference that storeS3 made, or its path has another form');
  const data = await bucket.get(ref, signal);
  if (!data) throw new EdgeFlowError('BLOB_MISSING', `loadS3: there is no ${ref.path}; it was removed, perhaps by a rule of the bucket`);
  const sha256 = createHash('sha256').update(data).digest('hex');
  if (sha256 !== ref.sha256) throw invalid(`${ref.path} was changed: its SHA-256 is ${sha256}; expected ${ref.sha256}`);
  const { width, height, format, time, index, source } = ref;
  const frame: Frame = { data, width, height, format, time, index, source };
  checkFrame(frame);
  return frame;
}
