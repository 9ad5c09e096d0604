import type { GroupConsumer } from '../broker.js';
import { commands } from './command.js';
import type { Keys } from './keys.js';
import { LinkLost } from './link.js';
import type { RedisLink } from './link.js';
import { asBuffer, asList } from './reply.js';

interface Watched {
  readonly topic: string;
  readonly group: string;
  readonly own: Set<string>;
  readonly others: Map<string, { beat: string; unchangedMs: number }>;
}

/**
 * Gives signs of life for the consumers of this process, and takes for dead the others that give none for the
 * visibility time. Nobody compares clocks: a sign is a counter, and each client measures for itself how long it stood
 * still. A pause of this process or of the server counts for one interval at most.
 */
export class Heartbeat {
  readonly #control: RedisLink;
  readonly #keys: Keys;
  readonly #visibilityMs: number;
  readonly #intervalMs: number;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #beating = false;

  constructor(control: RedisLink, keys: Keys, visibilityMs: number) {
    this.#control = control;
    this.#keys = keys;
    this.#visibilityMs = visibilityMs;
    this.#intervalMs = Math.max(10, Math.min(visibilityMs / 8, 1_000));
    this.#timer = setInterval(() => void this.#beat(), this.#intervalMs);
    this.#timer.unref();
  }

  add(topic: string, { group, consumer }: GroupConsumer): void {
    const key = `${topic}:${group}`;
    let watched = this.#watched.get(key);
    if (!watched) this.#watched.set(key, (watched = { topic, group, own: new Set(), others: new Map() }));
    watched.own.add(consumer);
    watched.others.delete(consumer);
  }

  clear(): void {
    this.#watched.clear();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    const time = performance.now();
    if (this.#beating || !this.#control.ready) {
      this.#last = time;
      return;
    }
    const passed = Math.min(time - this.#last, this.#intervalMs * 1.5);
    this.#last = time;
    this.#beating = true;
    try {
      await Promise.all([...this.#watched.values()].map((watched) => this.#look(watched, passed)));
    } catch (error) {
      // The next beat will do. A server that refuses for good is reported by the calls of the user.
      if (error instanceof LinkLost) return;
    } finally {
      this.#beating = false;
    }
  }

  async #look({ topic, group, own, others }: Watched, passedMs: number): Promise<void> {
    const keys = [this.#keys.topic(topic), this.#keys.trash];
    const beats = asList(await this.#control.run(commands.beat, keys, [group, ...own])).map((text) => asBuffer(text).toString());
    const seen = new Set<string>();
    for (let i = 0; i + 1 < beats.length; i += 2) {
      const consumer = beats[i] ?? '';
      const beat = beats[i + 1] ?? '';
      if (own.has(consumer)) continue;
      seen.add(consumer);
      const known = others.get(consumer);
      const unchangedMs = known?.beat === beat ? known.unchangedMs + passedMs : 0;
      others.set(consumer, { beat, unchangedMs });
      if (unchangedMs < this.#visibilityMs) continue;
      others.delete(consumer);
      await this.#control.run(commands.release, keys, [group, consumer, beat, 0]);
    }
    for (const consumer of others.keys()) if (!seen.has(consumer)) others.delete(consumer);
  }
}
