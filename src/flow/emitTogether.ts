import type { Subscriber } from 'rxjs';
import { combined } from './combine.js';
import { deliver } from './delivery.js';
import type { Lease } from './delivery.js';

/**
 * Emits one value that stands for several deliveries, such as a window or a pair: they settle when it has been dealt with
 * downstream, together and in the same way. For operators made with `leasingOperator`.
 *
 * @param output - of the operator.
 * @param leases - one of each delivery, parked or not; ended here.
 * @param part - tells apart several values that stand for the same deliveries, so that what is published for them is too.
 * @example
 * ```ts
 * const pairs = <T>() => leasingOperator<T, [T, T]>('pairs', (output) => {
 *   let first: { value: T; lease: Lease } | undefined;
 *   return {
 *     next: (value, lease) => {
 *       if (!first) { first = { value, lease }; lease.park(); return; }
 *       const { value: before, lease: held } = first;
 *       first = undefined;
 *       emitTogether(output, [before, value], [held, lease]);
 *     },
 *   };
 * });
 * frames.pipe(pairs(), map(([before, after]) => after.time - before.time))
 * ```
 */
export function emitTogether<T>(output: Subscriber<T>, value: T, leases: readonly Lease[], part?: string): void {
  for (const lease of leases) lease.unpark();
  deliver(combined(leases, output, part), () => {
    output.next(value);
  });
}
