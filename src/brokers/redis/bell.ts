import { EdgeFlowError, errorMessage } from '../../errors.js';
import { onAbort } from '../onAbort.js';
import { LinkLost } from './link.js';
import type { RedisLink } from './link.js';

/** A bell that was missed is made good by a look at this interval. */
const lookMs = 5_000;
const lookWhileDownMs = 100;

/**
 * Wakes those who wait for a change of a topic. Its channel carries no data, and rings only after a script found
 * somebody waiting: what is lost with a connection is looked for when it is back.
 */
export class Bell {
  readonly #link: RedisLink;
  readonly #rings = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #subscribed = new Map<string, Promise<unknown>>();

  constructor(link: RedisLink) {
    this.#link = link;
    link.client.on('message', (channel: string) => {
      this.ring(channel);
    });
    link.client.on('close', () => {
      this.#subscribed = new Map();
    });
    link.client.on('ready', () => {
      for (const channel of this.#rings.keys()) void this.listen(channel).catch(() => undefined);
      this.ringAll();
    });
  }

  /** Begins to hear a channel. What a script finds after this returned is not missed. */
  async listen(channel: string): Promise<void> {
    if (!this.#rings.has(channel)) this.#rings.set(channel, 0);
    let subscribed = this.#subscribed.get(channel);
    if (!subscribed) this.#subscribed.set(channel, (subscribed = this.#link.send((client) => client.subscribe(channel))));
    try {
      await subscribed;
    } catch (error) {
      this.#subscribed.delete(channel);
      if (error instanceof LinkLost) return;
      throw error instanceof EdgeFlowError
        ? error
        : new EdgeFlowError('BROKER_AUTH', `can't subscribe to '${channel}': ${errorMessage(error)}`, { cause: error });
    }
  }

  /** Ends to hear a channel. */
  async forget(channel: string): Promise<void> {
    this.#rings.delete(channel);
    this.#subscribed.delete(channel);
    await this.#link.send((client) => client.unsubscribe(channel));
  }

  /** How often a channel rang. */
  count(channel: string): number {
    return this.#rings.get(channel) ?? 0;
  }

  ring(channel: string): void {
    this.#rings.set(channel, this.count(channel) + 1);
    for (const wake of [...(this.#waiting.get(channel) ?? [])]) wake();
  }

  ringAll(): void {
    for (const channel of this.#rings.keys()) this.ring(channel);
  }

  /** Waits until the channel has rung more than `count` times, for `ms` at most. */
  wait(channel: string, count: number, ms: number, signal?: AbortSignal): Promise<void> {
    if (this.count(channel) !== count || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(channel) ?? new Set();
      this.#waiting.set(channel, waiting);
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        forget();
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, Math.min(ms, this.#link.ready ? lookMs : lookWhileDownMs)));
      waiting.add(done);
      const forget = onAbort(signal, done);
    });
  }
}
