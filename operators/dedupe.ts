import { leasingOperator } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkCount, checkFunction, checkSpan } from './checks.js';
import { timeReader } from './streams/eventTime.js';
import type { TimeOf } from './streams/eventTime.js';
import { FirstOfEach } from './streams/firstOfEach.js';
import { passIf } from './streams/passIf.js';

/** Options of {@link dedupe}. */
export interface DedupeOptions<T> {
  /** What two values that say the same have in common: text, a number, a boolean, or one object. */
  readonly by: (value: T) => unknown;
  /** How long after the one that passed others are dropped, by the times of the values. @defaultValue Infinity */
  readonly withinMs?: number;
  /** When a value was made, in milliseconds since the epoch; asked for with `withinMs` alone. @defaultValue its property `time` */
  readonly time?: TimeOf<T>;
  /** Most keys that are remembered; the oldest are forgotten. @defaultValue 10000 */
  readonly maxKeys?: number;
}

/**
 * Drops values that say again what another has said before.
 *
 * ```
 * in   --a--a--b--a--------a--|
 *      dedupe({ by: (x) => x, withinMs: 10 })
 * out  --a-----b-----------a--|
 * ```
 *
 * A message that is delivered again after a failure is no repetition of itself, and passes. RxJS's `distinct` would drop it,
 * and it would be acked without the work.
 *
 * - **Emits** the first value of each key, and the next one `withinMs` later or more.
 * - **Settles** at once what it drops.
 * - **Fails** the delivery with what `by` throws, and of a value without a time (`VALUE_INVALID`).
 * - **Completes** with the source.
 *
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * plates.pipe(dedupe({ by: ({ text }) => text, withinMs: 60_000 }))
 * ```
 */
export function dedupe<T>(options: DedupeOptions<T>): MonoTypeOperatorFunction<T> {
  const { by, withinMs = Infinity, time, maxKeys = 10_000 } = options;
  checkFunction('dedupe', 'by', by);
  checkSpan('dedupe', 'withinMs', withinMs);
  checkCount('dedupe', 'maxKeys', maxKeys);
  const timeOf = withinMs === Infinity ? (): number => 0 : timeReader('dedupe', time);

  return leasingOperator<T, T>('dedupe', (output) => {
    const firsts = new FirstOfEach<unknown>(withinMs, maxKeys);
    return {
      next: (value, lease) => {
        passIf(output, value, lease, () => firsts.isFirst(by(value), timeOf(value), lease.delivery));
      },
    };
  });
}
