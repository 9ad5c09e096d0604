import { leasingOperator } from 'edgeflow';
import { asyncScheduler } from 'rxjs';
import type { MonoTypeOperatorFunction, TimestampProvider } from 'rxjs';
import { checkSpan } from './checks.js';
import { timeReader } from './streams/eventTime.js';
import type { TimeOf } from './streams/eventTime.js';
import { passIf } from './streams/passIf.js';

/** A value that {@link freshWithin} passed over. */
export interface Stale<T> {
  readonly value: T;
  /** How old it was, in milliseconds. */
  readonly ageMs: number;
  /** How many were passed over since the stream was subscribed, this one included. */
  readonly skipped: number;
}

/** Options of {@link freshWithin}. */
export interface FreshWithinOptions<T> {
  /** When a value was made, in milliseconds since the epoch. @defaultValue its property `time` */
  readonly time?: TimeOf<T>;
  /** Called for each value that is passed over. */
  readonly onSkip?: (stale: Stale<T>) => void;
  /** What tells the time. @defaultValue that of RxJS, which is virtual in marble tests */
  readonly clock?: TimestampProvider;
}

/**
 * An age budget: passes values over that are older than this when they arrive, so that no work is done for what comes too
 * late anyway.
 *
 * ```
 * in   --a--b-----c--|       b is 120 ms old when it arrives
 *      freshWithin(100)
 * out  --a--------c--|
 * ```
 *
 * Ages are told by the clock of this host: values that come from another need clocks that agree.
 *
 * - **Emits** what is at most `maxAgeMs` old.
 * - **Settles** at once what it passes over. The ledger counts it as skipped (`expired`) where the link is REALTIME.
 * - **Fails** the delivery of a value without a time (`VALUE_INVALID`), and with what `time` or `onSkip` throws.
 * - **Completes** with the source.
 *
 * @param maxAgeMs - oldest age that passes, in milliseconds.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(freshWithin(250, { onSkip: ({ skipped }) => show(`${skipped} too old`) }), detectYolo())
 * ```
 */
export function freshWithin<T>(maxAgeMs: number, options: FreshWithinOptions<T> = {}): MonoTypeOperatorFunction<T> {
  const { time, onSkip, clock = asyncScheduler } = options;
  checkSpan('freshWithin', 'maxAgeMs', maxAgeMs);
  const timeOf = timeReader('freshWithin', time);

  return leasingOperator<T, T>('freshWithin', (output) => {
    let skipped = 0;
    return {
      next: (value, lease) => {
        passIf(output, value, lease, () => {
          const ageMs = clock.now() - timeOf(value);
          if (ageMs <= maxAgeMs) return true;
          skipped++;
          lease.delivery?.expire();
          onSkip?.({ value, ageMs, skipped });
          return false;
        });
      },
    };
  });
}
