import { leasingOperator } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkSpan } from './checks.js';
import { timeReader } from './streams/eventTime.js';
import type { TimeOf } from './streams/eventTime.js';
import { FirstOfEach } from './streams/firstOfEach.js';
import { passIf } from './streams/passIf.js';

/** Periods whose value is remembered, for messages that are delivered again or out of order. */
const rememberedPeriods = 1_024;

/** Options of {@link sampleEvery}. */
export interface SampleEveryOptions<T> {
  /** When a value was made, in milliseconds since the epoch. @defaultValue its property `time` */
  readonly time?: TimeOf<T>;
}

/**
 * Passes one value of each period, by the times of the values.
 *
 * ```
 * time 0--10-20-30-40-50-60
 * in   a--b--c--d--e--f--g--|
 *      sampleEvery(30)
 * out  a--------d--------g--|
 * ```
 *
 * RxJS's `sample`, `sampleTime` and `auditTime` go by the wall clock and emit from a timer, outside the delivery of the
 * value, which `LEASE_ESCAPED` reports; hence this one, and its other name. The same values give the same sample at
 * any speed. A message that is delivered again after a failure passes again.
 *
 * - **Emits** the first value of each period; periods begin at whole multiples of `periodMs`.
 * - **Settles** at once what it drops.
 * - **Fails** the delivery of a value without a time (`VALUE_INVALID`), and with what `time` throws.
 * - **Completes** with the source.
 *
 * @param periodMs - length of a period, in milliseconds.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(sampleEvery(1_000), storeBlob({ directory: 'one-a-second' }))
 * ```
 */
export function sampleEvery<T>(periodMs: number, { time }: SampleEveryOptions<T> = {}): MonoTypeOperatorFunction<T> {
  checkSpan('sampleEvery', 'periodMs', periodMs);
  const timeOf = timeReader('sampleEvery', time);

  return leasingOperator<T, T>('sampleEvery', (output) => {
    const firsts = new FirstOfEach<number>(Infinity, rememberedPeriods);
    return {
      next: (value, lease) => {
        passIf(output, value, lease, () => {
          const period = Math.floor(timeOf(value) / periodMs);
          return firsts.isFirst(period, period, lease.delivery);
        });
      },
    };
  });
}
