import { Observable } from 'rxjs';
import { EdgeFlowError } from '../errors.js';
import { deliver } from './delivery.js';

/** Options of {@link fromPull}. */
export interface FromPullOptions {
  /** How many values may be open, that is, not yet settled downstream, before the next one is asked for. @defaultValue 1 */
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
 * - **Completes** when the iterable has ended and all its values are settled.
 *
 * @param open - called on subscribe; `signal` is aborted on unsubscribe.
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
    let openDeliveries = 0;
    let wake: (() => void) | undefined;

    const fewerThan = async (limit: number): Promise<void> => {
      while (openDeliveries >= limit && !output.closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const emit = (value: T): void => {
      openDeliveries++;
      deliver(
        {
          onSettled: ({ failed }) => {
            openDeliveries--;
            if (failed) output.error(failed.error);
            wake?.();
          },
        },
        () => {
          output.next(value);
        },
      );
    };
    const pump = async (): Promise<void> => {
      for await (const value of open({ signal: abort.signal })) {
        // Leaving the loop closes the iterator.
        if (abort.signal.aborted) return;
        emit(value);
        await fewerThan(concurrency);
      }
      await fewerThan(1);
      output.complete();
    };

    output.add(() => {
      abort.abort();
      wake?.();
    });
    pump().catch((error: unknown) => {
      output.error(error);
    });
  });
}
