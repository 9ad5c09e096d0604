import { Subject } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { combined } from './combine.js';
import { deliver } from './delivery.js';
import type { Lease } from './delivery.js';
import { leasingOperator } from './operator.js';

/** Options of {@link leased}. */
export interface LeasedOptions {
  /**
   * Which deliveries a value that comes out stands for: `all` that went in since the last one came out (as in
   * `bufferCount`, `auditTime`, `debounceTime`), or `one`, the first that is still inside (as in `delay`, `observeOn`).
   * @defaultValue 'all'
   */
  readonly releases?: 'all' | 'one';
}

/**
 * Lifts a raw asynchronous RxJS operator of the first-in first-out kind: holds what goes in until the next value comes
 * out.
 *
 * ```
 * in   --a-b-c-d----|
 *      leased(bufferCount(2))
 * out  ----[ab]-[cd]|            a and b settle when [ab] has been dealt with
 * ```
 *
 * - **Emits** what the lifted operator emits.
 * - **Settles** deliveries with the value that stands for them. What is still inside when the operator completes settles
 *   then.
 * - **Fails** with the errors of the lifted operator, and what is inside with it; with the source's errors.
 * - **Completes** with the lifted operator.
 *
 * @param operator - the RxJS operator, or a `pipe(…)` of several.
 * @returns the operator.
 * @example
 * ```ts
 * frames.pipe(leased(bufferCount(10)))
 * frames.pipe(leased(delay(200), { releases: 'one' }))
 * ```
 */
export function leased<T, R>(operator: OperatorFunction<T, R>, { releases = 'all' }: LeasedOptions = {}): OperatorFunction<T, R> {
  return leasingOperator<T, R>('leased', (output) => {
    const input = new Subject<T>();
    let inside: Lease[] = [];

    const takeOut = (): Lease[] => {
      const out = inside.splice(0, releases === 'one' ? 1 : inside.length);
      for (const lease of out) lease.unpark();
      return out;
    };
    const subscription = operator(input).subscribe({
      next: (value) => {
        deliver(combined(takeOut(), output), () => {
          output.next(value);
        });
      },
      error: (error: unknown) => {
        for (const lease of inside) lease.fail(error);
        output.error(error);
      },
      complete: () => {
        const rest = inside;
        inside = [];
        for (const lease of rest) lease.release();
        output.complete();
      },
    });

    return {
      next: (value, lease) => {
        inside.push(lease);
        lease.park();
        input.next(value);
      },
      complete: () => {
        input.complete();
      },
      teardown: () => {
        subscription.unsubscribe();
      },
    };
  });
}
