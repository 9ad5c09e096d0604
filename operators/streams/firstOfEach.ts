import type { Delivery } from 'edgeflow';
import { Identity } from './identity.js';

/**
 * Knows the first value of each key. A first one that failed comes again with its message, and is the first again: what
 * was taken for its repetition is gone.
 */
export class FirstOfEach<K> {
  readonly #firsts = new Map<K, { readonly time: number; readonly identity: Identity }>();
  readonly #withinMs: number;
  readonly #maxKeys: number;

  constructor(withinMs: number, maxKeys: number) {
    this.#withinMs = withinMs;
    this.#maxKeys = maxKeys;
  }

  /** Whether a value is the first of its key within the time. */
  isFirst(key: K, time: number, delivery: Delivery | undefined): boolean {
    const before = this.#firsts.get(key);
    if (before) {
      const repeats = this.#withinMs === Infinity || Math.abs(time - before.time) < this.#withinMs;
      if (repeats && !before.identity.deliveredAgain(delivery)) return false;
      // An older one that comes again: the newer still counts for what follows.
      if (before.time > time) return true;
    }
    this.#firsts.delete(key);
    this.#firsts.set(key, { time, identity: new Identity(delivery) });
    if (this.#firsts.size > this.#maxKeys) for (const oldest of this.#firsts.keys()) return this.#firsts.delete(oldest);
    return true;
  }
}
