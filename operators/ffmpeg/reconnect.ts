import { setTimeout as sleep } from 'node:timers/promises';

/** How a live source is connected to again. */
export interface ReconnectOptions {
  /** Wait before the first attempt, in milliseconds; doubled for each further one. @defaultValue 500 */
  readonly initialDelayMs?: number;
  /** Longest wait, in milliseconds. @defaultValue 30000 */
  readonly maxDelayMs?: number;
  /** Attempts without a picture after which the stream fails. @defaultValue Infinity */
  readonly maxAttempts?: number;
}

/** Exponential backoff; ±20 % apart, so that many cameras behind one switch do not come back in step. */
export class Backoff {
  readonly #initialDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #maxAttempts: number;
  #attempts = 0;

  constructor({ initialDelayMs = 500, maxDelayMs = 30_000, maxAttempts = Infinity }: ReconnectOptions) {
    this.#initialDelayMs = initialDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#maxAttempts = maxAttempts;
  }

  /** The next attempt; undefined when there were enough. */
  next(): { readonly attempt: number; readonly delayMs: number } | undefined {
    if (this.#attempts >= this.#maxAttempts) return undefined;
    const delay = Math.min(this.#maxDelayMs, this.#initialDelayMs * 2 ** Math.min(this.#attempts, 30));
    return { attempt: ++this.#attempts, delayMs: Math.round(delay * (0.8 + 0.4 * Math.random())) };
  }

  /** A picture came: start again from the shortest wait. */
  reset(): void {
    this.#attempts = 0;
  }
}

/** Waits; ends early when the signal is aborted. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
