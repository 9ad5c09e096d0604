import { leasingOperator } from 'edgeflow';
import { Subject } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { checkCount } from './checks.js';
import { LastUsed } from './lastUsed.js';

/** Options of {@link splitBy}. */
export interface SplitByOptions {
  /** Most streams at once; the one that was longest without a value is completed to make room. @defaultValue 64 */
  readonly maxStreams?: number;
}

/**
 * Gives each key a stream of its own, with operators of its own and their state, and merges what comes out.
 *
 * ```
 * in   --a1--b1--a2--b2--|
 *      splitBy((v) => v.name, (stream) => stream.pipe(scan(sum)))
 * out  --a1--b1--a3--b3--|
 * ```
 *
 * As RxJS's `groupBy` with `mergeMap`, but bounded: keys that come and go do not pile up.
 *
 * - **Emits** what the inner streams emit. Once an inner stream has completed by itself, values of its key are dropped.
 * - **Settles** a delivery when its inner stream, and what comes after, is done with it.
 * - **Fails** the delivery with what `by` throws; with the first error of an inner stream.
 * - **Completes** when the source and all inner streams have.
 *
 * @param by - the key of a value.
 * @param inner - called once for each new key.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * detections.pipe(splitBy(({ source }) => source, (stream) => stream.pipe(trackObjects())))
 * ```
 */
export function splitBy<T, K, R>(
  by: (value: T) => K,
  inner: (stream: Observable<T>, key: K) => Observable<R>,
  { maxStreams = 64 }: SplitByOptions = {},
): OperatorFunction<T, R> {
  checkCount('splitBy', 'maxStreams', maxStreams);

  return leasingOperator<T, R>('splitBy', (output) => {
    const streams = new LastUsed<K, Subject<T>>(maxStreams);
    /** Inner streams that have not completed. */
    let running = 0;
    let sourceDone = false;

    const start = (key: K): Subject<T> => {
      const stream = new Subject<T>();
      running++;
      output.add(
        inner(stream, key).subscribe({
          next: (value) => {
            output.next(value);
          },
          error: (error: unknown) => {
            output.error(error);
          },
          complete: () => {
            running--;
            if (sourceDone && running === 0) output.complete();
          },
        }),
      );
      return stream;
    };
    const streamOf = (key: K): Subject<T> => {
      const stream = streams.peek(key) ?? start(key);
      streams.use(key, stream)?.complete();
      return stream;
    };

    return {
      next: (value, lease) => {
        let key: K;
        try {
          key = by(value);
        } catch (error) {
          lease.fail(error);
          return;
        }
        lease.run(() => {
          streamOf(key).next(value);
        });
        lease.release();
      },
      complete: () => {
        sourceDone = true;
        for (const stream of streams.clear()) stream.complete();
        if (running === 0 && !output.closed) output.complete();
      },
    };
  });
}
