import { Observable } from 'rxjs';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { deliver } from './delivery.js';
import { untilClosed } from './operator.js';

/**
 * Says that values do not come from a delivery, so that they may join a pipeline that does.
 *
 * ```
 * in   --1--2--3--|
 *      detached()
 * out  --1--2--3--|        each in a delivery of its own, which nobody waits for
 * ```
 *
 * - **Emits** every value of the source.
 * - **Settles** nothing: do not use it to silence `LEASE_ESCAPED` for values that a broker delivered.
 * - **Fails** when the work on one of its values fails, as there is nobody to give the value back to.
 * - **Completes** with the source.
 *
 * @returns the operator.
 * @example
 * ```ts
 * merge(fromBroker('frames', QoS.DURABLE), interval(1000).pipe(detached()))
 * ```
 */
export function detached<T>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable<T>((output) =>
      source.pipe(untilClosed(output)).subscribe({
        next: (value) => {
          deliver(
            {
              onSettled: ({ failed }) => {
                if (failed) output.error(failed.error);
              },
            },
            () => {
              output.next(value);
            },
          );
        },
        error: (error: unknown) => {
          output.error(error);
        },
        complete: () => {
          output.complete();
        },
      }),
    );
}
