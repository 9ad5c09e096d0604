import { setMaxListeners } from 'node:events';
import type { OperatorFunction } from 'rxjs';
import { checkConcurrency } from './checks.js';
import type { Lease } from './delivery.js';
import { leasingOperator } from './operator.js';

/** Options of {@link mapAsync}. */
export interface MapAsyncOptions {
  /** How many calls may run at once; `Infinity` for no limit. @defaultValue 1 */
  readonly concurrency?: number;
  /** Whether results come out in the order in which their values came in. @defaultValue true */
  readonly ordered?: boolean;
}

/** What a call of {@link mapAsync} or `latestMap` may use. */
export interface AsyncWork {
  /** Aborted when the stream is unsubscribed. */
  readonly signal: AbortSignal;
  /** Number of the value, from 0. */
  readonly index: number;
}

type Outcome<R> = { readonly result: R } | { readonly error: unknown };

interface Job<T, R> {
  readonly value: T;
  readonly lease: Lease;
  readonly index: number;
  outcome?: Outcome<R>;
}

/**
 * Maps each value by asynchronous work, and keeps its delivery open until the result has been dealt with downstream.
 *
 * ```
 * in   --a---b---c-------|
 *      mapAsync(x => work(x))        concurrency 1
 * out  -----A---B------C-|
 * ```
 *
 * - **Emits** one result for each value whose work succeeded.
 * - **Settles** a delivery when its result has been dealt with downstream.
 * - **Fails** the delivery, not the stream, when `work` throws or rejects. In a stream that no broker feeds there is no
 *   delivery, and the error is the stream's, as in RxJS.
 * - **Completes** when the source has completed and the last work is done.
 *
 * @param work - gets the value, and a signal that is aborted on unsubscribe.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a concurrency below 1.
 * @example
 * ```ts
 * frames.pipe(mapAsync((frame) => upload(frame), { concurrency: 4 }))
 * ```
 */
export function mapAsync<T, R>(
  work: (value: T, context: AsyncWork) => PromiseLike<R> | R,
  options: MapAsyncOptions = {},
): OperatorFunction<T, R> {
  const { concurrency = 1, ordered = true } = options;
  checkConcurrency('mapAsync', concurrency);

  return leasingOperator<T, R>('mapAsync', (output) => {
    const abort = new AbortController();
    // Each call may listen; Node's warning is for leaks.
    setMaxListeners(0, abort.signal);
    const waiting: Job<T, R>[] = [];
    const running: Job<T, R>[] = [];
    let active = 0;
    let count = 0;
    let sourceDone = false;

    const settle = ({ lease, outcome }: Job<T, R>): void => {
      if (!outcome || output.closed) return;
      if ('error' in outcome) {
        lease.fail(outcome.error);
        return;
      }
      lease.run(() => {
        output.next(outcome.result);
      });
      lease.release();
    };
    const flush = (finished: Job<T, R>): void => {
      if (!ordered) {
        running.splice(running.indexOf(finished), 1);
        settle(finished);
        return;
      }
      for (let first = running[0]; first?.outcome; first = running[0]) {
        running.shift();
        settle(first);
      }
    };
    const finish = (job: Job<T, R>, outcome: Outcome<R>): void => {
      if (output.closed) return;
      job.outcome = outcome;
      active--;
      flush(job);
      startNext();
    };
    const run = async (job: Job<T, R>): Promise<void> => {
      let outcome: Outcome<R>;
      try {
        outcome = { result: await job.lease.run(() => work(job.value, { signal: abort.signal, index: job.index })) };
      } catch (error) {
        outcome = { error };
      }
      finish(job, outcome);
    };
    const startNext = (): void => {
      while (active < concurrency && !output.closed) {
        const job = waiting.shift();
        if (!job) break;
        active++;
        running.push(job);
        void run(job);
      }
      if (sourceDone && running.length === 0 && waiting.length === 0) output.complete();
    };

    return {
      next: (value, lease) => {
        waiting.push({ value, lease, index: count++ });
        startNext();
      },
      complete: () => {
        sourceDone = true;
        startNext();
      },
      teardown: () => {
        abort.abort();
      },
    };
  });
}
