import { checkNames, checkObject } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';

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

const names: Readonly<Record<keyof RetryOptions, true>> = { maxDeliveries: true, initialMs: true, maxMs: true, factor: true, jitter: true };

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
  // Bounded, since an infinite factor times nothing is not a number.
  const growth = Math.min(factor ** (attempt - 1), Number.MAX_VALUE);
  const delay = Math.min(maxMs, initialMs * growth);
  return Math.round(delay * (1 - jitter * random));
}

/** @throws EdgeFlowError `OPTIONS_INVALID` for what no delay or count can be made of, and for other names. */
export function checkRetry(where: string, options: RetryOptions): void {
  checkObject(`${where}: retry`, options);
  checkNames(`${where}: retry`, options, names);
  const { maxDeliveries = 1, initialMs = 0, maxMs = 0, factor = 1, jitter = 0 } = options;
  const invalid = (name: keyof RetryOptions, expected: string): EdgeFlowError =>
    new EdgeFlowError('OPTIONS_INVALID', `${where}: retry.${name} is ${options[name]}; expected ${expected}`);
  if (!(maxDeliveries === Infinity || Number.isInteger(maxDeliveries)) || maxDeliveries < 1)
    throw invalid('maxDeliveries', 'a whole number of at least 1, or Infinity');
  if (!Number.isFinite(initialMs) || initialMs < 0) throw invalid('initialMs', 'milliseconds, at least 0');
  if (!Number.isFinite(maxMs) || maxMs < 0) throw invalid('maxMs', 'milliseconds, at least 0');
  if (!Number.isFinite(factor) || factor < 1) throw invalid('factor', 'at least 1');
  if (!(Number.isFinite(jitter) && jitter >= 0 && jitter <= 1)) throw invalid('jitter', '0 to 1');
}
