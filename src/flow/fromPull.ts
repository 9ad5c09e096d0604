import { Observable } from 'rxjs';
import { EdgeFlowError } from '../errors.js';
import type { Settlement } from './delivery.js';
import { DeliveryWindow } from './deliveryWindow.js';

/** Options of {@link fromPull}. */
export interface FromPullOptions {
  /**
   * How many values may be worked on downstream before the next one is asked for; those that wait in a `batch` do not count.
   * @defaultValue 1
   */
  readonly concurrency?: number;
}

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
 * - **Fails** with what the iterable throws, or with the error of a delivery that failed: a source has nobody to give a
 *   value back to.
 * - **Settles** nothing but its own demand.
 * - **Completes** when the iterable has ended and none of its values is being worked on.
 *
 * @param open - called on subscribe; `signal` is aborted on unsubscribe.
 * @returns the stream.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a concurrency below 1.
 * @example
 * ```ts
 * fromPull(async function* ({ signal }) { while (!signal.aborted) yield await sensor.read(); })
 * ```
 */
export function fromPull<T>(
  open: (context: { readonly signal: AbortSignal }) => AsyncIterable<T>,
  options: FromPullOptions = {},
): Observable<T> {
  const { concurrency = 1 } = options;
  if (!(concurrency >= 1)) throw new EdgeFlowError('OPTIONS_INVALID', `fromPull: concurrency is ${concurrency}; expected at least 1`);

  return new Observable<T>((output) => {
    const abort = new AbortController();
    const window = new DeliveryWindow();

    const closed = (): boolean => output.closed;
    const pump = async (): Promise<void> => {
      for await (const value of open({ signal: abort.signal })) {
        // Leaving the loop closes the iterator.
        if (closed()) return;
        const onSettled = ({ failed }: Settlement): void => {
          if (failed) output.error(failed.error);
        };
        window.deliver({ onSettled }, () => output.next(value));
        await window.until(() => closed() || window.working < concurrency);
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
