import { setTimeout as sleep } from 'node:timers/promises';
import { asyncScheduler, Subscription } from 'rxjs';

/** What a timer of Node waits at most, in milliseconds: 24.8 days. One that is to wait longer fires at once. */
export const longestTimerMs = 2 ** 31 - 1;

/**
 * Calls back after a time of any length; after Infinity never. In virtual time where RxJS's timers are.
 *
 * @returns unsubscribing it stops the timer.
 * @example
 * ```ts
 * const patience = afterMs(30 * 86_400_000, () => console.log('nobody came for a month'));
 * patience.unsubscribe();
 * console.log(patience.closed); // true
 * ```
 */
export function afterMs(ms: number, call: () => void): Subscription {
  if (ms === Infinity) return Subscription.EMPTY;
  let leftMs = ms;
  const next = (): number => {
    const pieceMs = Math.min(leftMs, longestTimerMs);
    leftMs -= pieceMs;
    return pieceMs;
  };
  return asyncScheduler.schedule(function () {
    if (leftMs > 0) this.schedule(undefined, next());
    else call();
  }, next());
}

/**
 * Sleeps for a time of any length, until a signal is aborted.
 *
 * @throws an `AbortError` when it is.
 * @example
 * ```ts
 * await sleepMs(10, AbortSignal.timeout(1_000));
 * console.log('ten milliseconds later');
 * ```
 */
export async function sleepMs(ms: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= longestTimerMs) await sleep(Math.min(leftMs, longestTimerMs), undefined, { signal });
}
