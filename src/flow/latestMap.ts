import type { OperatorFunction } from 'rxjs';
import type { Lease } from './delivery.js';
import type { AsyncWork } from './mapAsync.js';
import { leasingOperator } from './operator.js';

/**
 * Maps by asynchronous work, one value at a time; of the values that come meanwhile only the newest is kept. The
 * REALTIME rule inside one process.
 *
 * ```
 * in   --a-b-c-----d----|
 *      latestMap(x => work(x))
 * out  -------A-----C----D|        b was replaced by c
 * ```
 *
 * - **Emits** one result for each value whose work succeeded.
 * - **Settles** a replaced value at once, any other when its result has been dealt with downstream.
 * - **Fails** the delivery when `work` throws or rejects; in a stream that no broker feeds, the stream.
 * - **Completes** when the source has completed and the last work is done.
 *
 * @param work - gets the value, and a signal that is aborted on unsubscribe.
 * @returns the operator.
 * @example
 * ```ts
 * frames.pipe(latestMap((frame) => describe(frame)))
 * ```
 */
export function latestMap<T, R>(work: (value: T, context: AsyncWork) => PromiseLike<R> | R): OperatorFunction<T, R> {
  return leasingOperator<T, R>('latestMap', (output) => {
    const abort = new AbortController();
    let newest: { readonly value: T; readonly lease: Lease } | undefined;
    let busy = false;
    let sourceDone = false;
    let count = 0;

    const run = async ({ value, lease }: { readonly value: T; readonly lease: Lease }): Promise<void> => {
      busy = true;
      try {
        const result = await lease.run(() => work(value, { signal: abort.signal, index: count++ }));
        if (output.closed) return;
        lease.run(() => {
          output.next(result);
        });
        lease.release();
      } catch (error) {
        if (output.closed) return;
        lease.fail(error);
      } finally {
        busy = false;
      }
      startNext();
    };
    const startNext = (): void => {
      const job = newest;
      newest = undefined;
      if (output.closed) return;
      if (job) void run(job);
      else if (sourceDone) output.complete();
    };

    return {
      next: (value, lease) => {
        newest?.lease.release();
        newest = { value, lease };
        if (!busy) startNext();
      },
      complete: () => {
        sourceDone = true;
        if (!busy) startNext();
      },
      teardown: () => {
        abort.abort();
      },
    };
  });
}
