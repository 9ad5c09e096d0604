/** When a failed message is tried again, and when it is given up. */
export interface RetryOptions {
  /** Deliveries before a message goes to the dead letters. @defaultValue 5 */
  readonly maxDeliveries?: number;
  /** Delay before the second delivery. @defaultValue 100 */
  readonly initialMs?: number;
  /** Longest delay. @defaultValue 30000 */
  readonly maxMs?: number;
  /** Each delay is the last one times this. @defaultValue 2 */
  readonly factor?: number;
  /** Share of the delay that is drawn at random, so that failures do not come back in step. @defaultValue 0.2 */
  readonly jitter?: number;
}

export const defaultMaxDeliveries = 5;

/**
 * The delay before the next delivery, by exponential backoff.
 *
 * @param attempt - the delivery that failed: 1 for the first.
 * @param random - from 0 to 1.
 * @returns milliseconds, or undefined when the message is to be given up.
 */
export function retryDelay(attempt: number, options: RetryOptions = {}, random = Math.random()): number | undefined {
  const { maxDeliveries = defaultMaxDeliveries, initialMs = 100, maxMs = 30_000, factor = 2, jitter = 0.2 } = options;
  if (attempt >= maxDeliveries) return undefined;
  const delay = Math.min(maxMs, initialMs * factor ** (attempt - 1));
  return Math.round(delay * (1 - jitter * random));
}
