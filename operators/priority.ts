import { emitTogether, EdgeFlowError, leasingOperator } from 'edgeflow';
import type { Lease } from 'edgeflow';
import { map, merge } from 'rxjs';
import type { Observable } from 'rxjs';
import { checkAtLeast, checkNeeded } from './checks.js';
import type { Held } from './streams/held.js';

/** Options of {@link priority}. */
export interface PriorityOptions {
  /** How many values may be worked on at once. @defaultValue 1 */
  readonly concurrency?: number;
}

/**
 * Merges streams; while what comes after is busy, values wait, and those of earlier streams go first.
 *
 * ```
 * alarms  -----A-----------|
 * frames  -a-b-c-----------|
 *         priority([alarms, frames]), mapAsync(work)
 * out     ----a---A---b---c|
 * ```
 *
 * A value that waits counts against `prefetch` or `concurrency` of its source, which so bounds how many do; a stream
 * without deliveries has no such bound. Low priorities wait for as long as there are higher ones. What may grow too old
 * meanwhile is dropped by `freshWithin` behind it.
 *
 * - **Emits** every value; the values of one stream in their order.
 * - **Settles** a delivery when its value has been dealt with downstream. That is what the next one waits for.
 * - **Fails** with the first stream that does.
 * - **Completes** when all streams have and nothing waits.
 *
 * @param streams - the most urgent first.
 * @returns the merged stream.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * priority([input<Frame>('door'), input<Frame>('garden')]).pipe(detectYolo())
 * ```
 */
export function priority<T>(streams: readonly Observable<T>[], { concurrency = 1 }: PriorityOptions = {}): Observable<T> {
  checkNeeded('priority', 'streams', streams, Array.isArray(streams), 'a list of streams');
  if (streams.length === 0) throw new EdgeFlowError('OPTIONS_INVALID', 'priority: there are no streams; expected at least one');
  checkAtLeast('priority', 'concurrency', concurrency, 1);

  const inTurn = leasingOperator<{ readonly rank: number; readonly value: T }, T>('priority', (output) => {
    const waiting: Held<T>[][] = streams.map(() => []);
    /** Values downstream, without those that wait for further input there. */
    let working = 0;
    let emitting = false;
    let sourcesDone = false;

    /** A lease that tells when the work on its value is over, or waits for further input. */
    const watched = (lease: Lease): Lease => {
      let parked = false;
      const ended = (): void => {
        if (!parked) working--;
        emitNext();
      };
      return {
        delivery: lease.delivery,
        run: (work) => lease.run(work),
        park: () => {
          lease.park();
          if (parked) return;
          parked = true;
          working--;
          emitNext();
        },
        unpark: () => {
          lease.unpark();
          if (parked) working++;
          parked = false;
        },
        release: () => {
          lease.release();
          ended();
        },
        fail: (error) => {
          lease.fail(error);
          ended();
        },
      };
    };
    const emitNext = (): void => {
      // What settles at once would nest one call for each value that waits.
      if (emitting) return;
      emitting = true;
      for (;;) {
        const next = working < concurrency && !output.closed ? waiting.find(({ length }) => length > 0)?.shift() : undefined;
        if (!next) break;
        working++;
        emitTogether(output, next.value, [watched(next.lease)]);
      }
      emitting = false;
      // What waits for further input downstream gets the end instead.
      if (sourcesDone && working === 0 && waiting.every(({ length }) => length === 0)) output.complete();
    };
    return {
      next: ({ rank, value }, lease) => {
        waiting[rank]?.push({ value, lease });
        emitNext();
      },
      complete: () => {
        sourcesDone = true;
        emitNext();
      },
    };
  });
  return merge(...streams.map((stream, rank) => stream.pipe(map((value) => ({ rank, value }))))).pipe(inTurn);
}
