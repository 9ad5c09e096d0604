import { EdgeFlowError, mapAsync } from 'edgeflow';
import { defer, finalize } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import type { BlobRef } from './blobs/blobRef.js';
import { withIdentity } from './blobs/deliveryIdentity.js';
import { checkAtLeast } from './checks.js';
import { encodeJpeg } from './encodeJpeg.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { Bucket } from './s3/bucket.js';
import { checkBucket } from './s3/options.js';
import type { BucketOptions } from './s3/options.js';
import { checkPatience } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';

/** Options of {@link storeS3}. */
export interface StoreS3Options extends BucketOptions, PatienceOptions {
  /** `jpeg` encodes what is not JPEG yet; `raw` stores the bytes as they come. @defaultValue 'jpeg' */
  readonly format?: 'jpeg' | 'raw';
  /** JPEG quality from 1 to 100. @defaultValue 85 */
  readonly quality?: number;
  /** How many pictures are on their way at once. @defaultValue 4 */
  readonly concurrency?: number;
}

/**
 * Stores each frame as an object of an S3 bucket and passes on where it is, as `storeBlob` does with files.
 *
 * ```
 * in   --a-----b-----c------|
 *      storeS3({ bucket: 'archive' })
 * out  ----A-----B--------C-|      C waited while the server was down
 * ```
 *
 * A key is the path of a {@link BlobRef}, made of the message's id: a message that comes again replaces its own object. The
 * server checks the SHA-256 of what arrives. Limits are the bucket's business (lifecycle rules).
 *
 * - **Emits** one reference for each frame, in order, when the server has the object.
 * - **Settles** when what is downstream is done with the reference.
 * - **Waits** while the server is down or busy (5xx, 429), and while there are no credentials; says so once, and once when it
 *   goes on.
 * - **Fails** the delivery with `SINK_REFUSED` for other answers, `SINK_UNREACHABLE` when `patienceMs` are over,
 *   `FRAME_INVALID`, and `DEPENDENCY_MISSING` without the package `@aws-sdk/client-s3`.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(storeS3({ bucket: 'archive', prefix: 'door', region: 'eu-central-1' })).subscribe();
 * ```
 */
export function storeS3(options: StoreS3Options): OperatorFunction<Frame, BlobRef> {
  const { format = 'jpeg', quality = 85, concurrency = 4, patienceMs = Infinity } = options;
  checkBucket('storeS3', options);
  checkPatience('storeS3', patienceMs);
  if (!['jpeg', 'raw'].includes(format))
    throw new EdgeFlowError('OPTIONS_INVALID', `storeS3: format is '${format}'; expected 'jpeg' or 'raw'`);
  checkAtLeast('storeS3', 'concurrency', concurrency, 1);
  const encode = encodeJpeg({ quality, concurrency });

  return (frames) =>
    defer(() => {
      const bucket = new Bucket('storeS3', options);
      return (format === 'jpeg' ? frames.pipe(encode) : frames).pipe(
        withIdentity('storeS3'),
        mapAsync(
          ({ value, identity }, { signal }) => {
            checkFrame(value);
            return bucket.put(value, identity, signal);
          },
          { concurrency },
        ),
        finalize(() => bucket.close()),
      );
    });
}
