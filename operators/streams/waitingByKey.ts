import { afterMs } from 'edgeflow';
import { asyncScheduler } from 'rxjs';
import type { Subscription } from 'rxjs';
import type { Held } from './held.js';

/** Options of {@link WaitingByKey}. */
interface WaitingByKeyOptions<T> {
  readonly maxPending: number;
  readonly waitMs: number;
  /** Gets what has waited too long, what was pushed out, and what another of its key has replaced. */
  readonly onLetGo: (key: string, held: Held<T>) => void;
}

/** Values that wait for a partner of the same key, oldest first. One timer, however many there are. */
export class WaitingByKey<T> {
  readonly #options: WaitingByKeyOptions<T>;
  readonly #waiting = new Map<string, { readonly held: Held<T>; readonly since: number }>();
  #timer: Subscription | undefined;

  constructor(options: WaitingByKeyOptions<T>) {
    this.#options = options;
  }

  /** The value of this key, which waits no longer. */
  take(key: string): Held<T> | undefined {
    const found = this.#waiting.get(key);
    this.#waiting.delete(key);
    return found?.held;
  }

  add(key: string, held: Held<T>): void {
    held.lease.park();
    this.#letGo(key);
    this.#waiting.set(key, { held, since: asyncScheduler.now() });
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size > this.#options.maxPending) this.#letGo(oldest);
    this.#schedule();
  }

  letGoAll(): void {
    for (const key of [...this.#waiting.keys()]) this.#letGo(key);
  }

  stop(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #letGo(key: string): void {
    const held = this.take(key);
    if (held) this.#options.onLetGo(key, held);
  }

  #schedule(): void {
    const [oldest] = this.#waiting.values();
    if (!oldest || this.#timer) return;
    this.#timer = afterMs(Math.max(0, oldest.since + this.#options.waitMs - asyncScheduler.now()), () => {
      this.#timer = undefined;
      const now = asyncScheduler.now();
      for (const [key, { since }] of [...this.#waiting]) if (now - since >= this.#options.waitMs) this.#letGo(key);
      this.#schedule();
    });
  }
}
