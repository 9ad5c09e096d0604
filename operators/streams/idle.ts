import { afterMs } from 'edgeflow';
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
    this.#timer ??= afterMs(this.#idleMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #look(): void {
    const restMs = this.#last + this.#idleMs - asyncScheduler.now();
    this.#timer = restMs > 0 ? afterMs(restMs, () => this.#look()) : undefined;
    if (!this.#timer) this.#onIdle();
  }
}
