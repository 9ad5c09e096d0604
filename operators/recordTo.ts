import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EdgeFlowError, leasingOperator, mapAsync, RecordingWriter } from 'edgeflow';
import { defer, finalize } from 'rxjs';
import type { MonoTypeOperatorFunction, OperatorFunction } from 'rxjs';
import { storeFailed } from './blobs/files.js';

/** A value and the id of the message that it came in. */
interface Identified<T> {
  readonly value: T;
  readonly id: string | undefined;
}

/**
 * Records each value, with its bytes and the time, and passes it on. `replay` gives them again.
 *
 * ```
 * in   --a-----b-----c--|
 *      recordTo('session.rec')
 * out  ---a-----b-----c-|
 * ```
 *
 * Behind a REALTIME input the recording holds what this node was given, without what was skipped for it: the very sequence
 * in which a problem showed, with the ids of their messages. A recording that exists is continued; a record that a crash cut
 * off is left out, with a warning. One stream writes to a file at a time. Values are plain data, as for a broker.
 *
 * - **Emits** each value, in order, when it is written.
 * - **Settles** when the value is written and what is downstream is done with it. One that is delivered again is recorded again.
 * - **Fails** the delivery with `STORE_FAILED` when the file could not be written, and with `MESSAGE_CORRUPT` where the
 *   file is no recording or is damaged.
 * - **Completes** with the source.
 *
 * @param file - path, made with its folders where missing.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * export default defineNode<Frame, Detections>((frames) => frames.pipe(recordTo('yolo.rec'), detectYolo()));
 * ```
 */
export function recordTo<T>(file: string): MonoTypeOperatorFunction<T> {
  if (typeof file !== 'string' || file === '')
    throw new EdgeFlowError('OPTIONS_INVALID', 'recordTo: file is empty; expected the path of a file');

  return (source) =>
    defer(() => {
      const path = resolve(file);
      const writer = new RecordingWriter(path);
      let folder: Promise<unknown> | undefined;
      const record = async ({ value, id }: Identified<T>): Promise<T> => {
        try {
          await (folder ??= mkdir(dirname(path), { recursive: true }));
          await writer.write({ at: Date.now(), value, from: { id } });
          return value;
        } catch (cause) {
          folder = undefined;
          throw storeFailed('recordTo', path, cause);
        }
      };
      return source.pipe(
        identified(),
        mapAsync(record),
        finalize(() => {
          writer.close().catch((error: unknown) => {
            process.emitWarning(`recordTo: ${path} could not be closed: ${String(error)}`, 'EdgeFlowWarning');
          });
        }),
      );
    });
}

function identified<T>(): OperatorFunction<T, Identified<T>> {
  return leasingOperator('recordTo', (output) => ({
    next: (value, lease) => {
      output.next({ value, id: lease.delivery?.id });
      lease.release();
    },
  }));
}
