import { Observable } from 'rxjs';
import { EdgeFlowError } from '../errors.js';
import { checkConcurrency } from './checks.js';
import type { Settlement } from './delivery.js';
import { DeliveryWindow } from './deliveryWindow.js';

/** Options of {@link fromPull}. */
export interface FromPullOptions<T = unknown> {
  /**
   * How many values may be worked on downstream before the next one is asked for; those that wait in a `batch` do not count.
   * @defaultValue 1
   */
  readonly concurrency?: number;
  /**
   * Names a value: another name for each value, for ever, and the same one each time that value is yielded. What is
   * published in answer to it then gets an id derived from the name, so that a source that is restarted and yields a value
   * again does not publish it twice.
   * @defaultValue values have no name: what is yielded again is published again
   */
  readonly id?: (value: T) => string;
}

/** An iterable that never waits would keep timers, signals and the end of its node from their turn. */
const longestTurnMs = 10;

/**
 * Makes a source with back-pressure of an async iterable: the next value is asked for when an earlier one is settled.
 *
 * ```
 * iterable  a--b--c|            asked for, one after the other
 * out       a-----b-----c-----|
 *            '--->' '--->' '--->   work downstream, then settled
 * ```
 *
 * - **Emits** each value inside a delivery of its own, so that `toBroker`, `mapAsync` and the like hold the source back.
 * - **Fails** with what the iterable or `id` throws, or with the error of a delivery that failed: a source has nobody to give a
 *   value back to.
 * - **Settles** nothing but its own demand.
 * - **Completes** when the iterable has ended and none of its values is being worked on.
 *
 * @param open - called on subscribe; `signal` is aborted on unsubscribe.
 * @returns the stream.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a concurrency below 1, and on the stream for an `id` that names nothing.
 * @example
 * ```ts
 * fromPull(async function* ({ signal }) { while (!signal.aborted) yield await sensor.read(); })
 * fromPull(() => rowsSince(lastStored()), { id: (row) => `row-${row.number}` }) // yields again: published once
 * ```
 */
export function fromPull<T>(
  open: (context: { readonly signal: AbortSignal }) => AsyncIterable<T>,
  options: FromPullOptions<T> = {},
): Observable<T> {
  const { concurrency = 1, id } = options;
  checkConcurrency('fromPull', concurrency);

  return new Observable<T>((output) => {
    const abort = new AbortController();
    const window = new DeliveryWindow();

    const closed = (): boolean => output.closed;
    const pump = async (): Promise<void> => {
      let turn = performance.now();
      for await (const value of open({ signal: abort.signal })) {
        // Leaving the loop closes the iterator.
        if (closed()) return;
        const onSettled = ({ failed }: Settlement): void => {
          if (failed) output.error(failed.error);
        };
        window.deliver({ id: id && named(id(value)), onSettled }, () => output.next(value));
        await window.until(() => closed() || window.working < concurrency);
        if (performance.now() - turn > longestTurnMs) {
          await new Promise((resolve) => setImmediate(resolve));
          turn = performance.now();
        }
        if (closed()) return;
      }
      await window.until(() => closed() || window.working === 0);
      output.complete();
    };

    output.add(() => {
      abort.abort();
      window.wake();
    });
    pump().catch((error: unknown) => {
      output.error(error);
    });
  });
}

/** An empty name would be the same for all values, and the broker would keep the first alone. */
function named(id: string): string {
  if (id !== '') return id;
  throw new EdgeFlowError('OPTIONS_INVALID', 'fromPull: id gave an empty text; expected a name that no other value has');
}
