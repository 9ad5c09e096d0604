import { asyncScheduler } from 'rxjs';
import type { Subscription } from 'rxjs';

/** Tells when nothing has come for a while. One timer, however many values there are. */
export class Idle {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #last = 0;
  #timer: Subscription | undefined;

  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
  }

  /** Something has come. */
  touch(): void {
    this.#last = asyncScheduler.now();
    if (this.#idleMs !== Infinity) this.#timer ??= asyncScheduler.schedule(() => this.#look(), this.#idleMs);
  }

  stop(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #look(): void {
    const restMs = this.#last + this.#idleMs - asyncScheduler.now();
    this.#timer = restMs > 0 ? asyncScheduler.schedule(() => this.#look(), restMs) : undefined;
    if (!this.#timer) this.#onIdle();
  }
}
