import type { Shown } from './shown.js';
import { Encoder } from './encoder.js';
import type { PictureWidth } from './jpeg.js';
import { TopicWatch } from './topicWatch.js';
import type { Latest } from './topicWatch.js';
import type { LiveItem, Overlay } from './wire.js';

const longestWaitMs = 10_000;

/** The newest messages of topics, for as many browsers as look. */
export class Live {
  readonly #running: Shown;
  readonly #watches = new Map<string, TopicWatch>();
  readonly #waiting = new Set<() => void>();
  readonly #encoder = new Encoder();

  constructor(running: Shown) {
    this.#running = running;
  }

  /**
   * Waits until one of the topics has something newer than what the browser has had.
   *
   * @param seen - topics, and the highest sequence number that was had of each.
   * @returns heads, and the JPEGs of those that are pictures; nothing after ten seconds without news.
   */
  async next(
    seen: ReadonlyMap<string, number>,
    width: PictureWidth,
    signal: AbortSignal,
  ): Promise<{ readonly items: LiveItem[]; readonly jpegs: Uint8Array[] }> {
    const deadline = performance.now() + longestWaitMs;
    const { restMs } = this.#encoder;
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(restMs, 1_000)));
    for (const topic of seen.keys()) for (const name of [topic, ...this.#downstream(topic)]) this.#watch(name).look();
    for (;;) {
      const news = [...seen].flatMap(([topic, seq]) => [...this.#watch(topic).latest.values()].filter(({ item }) => item.seq > seq));
      if (news.length > 0 || signal.aborted || performance.now() >= deadline) return this.#encode(news, width);
      await this.#changed(deadline - performance.now(), signal);
    }
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
    for (const wake of this.#waiting) wake();
  }

  async #encode(news: readonly Latest[], width: PictureWidth): Promise<{ readonly items: LiveItem[]; readonly jpegs: Uint8Array[] }> {
    const jpegs = await Promise.all(news.map(async ({ jpeg }) => jpeg?.(width)));
    const items = news.map(({ item }, index) => ({ ...item, bytes: jpegs[index]?.length ?? 0, overlays: this.#overlaysOf(item) }));
    return { items, jpegs: jpegs.filter((jpeg) => jpeg !== undefined) };
  }

  /** The newest that nodes further down found in the same source. */
  #overlaysOf({ topic, source }: { readonly topic: string; readonly source: string }): Overlay[] {
    return this.#downstream(topic).flatMap((name) => this.#watches.get(name)?.latest.get(source)?.overlay ?? []);
  }

  #downstream(topic: string): string[] {
    const { nodes, links } = this.#running.graph();
    const publishing = new Set(nodes.filter((node) => node.topic).map(({ name }) => name));
    const found = new Set<string>();
    const visit = (name: string): void => {
      for (const { source, target } of links)
        if (source === name && !found.has(target)) {
          found.add(target);
          visit(target);
        }
    };
    visit(topic);
    return [...found].filter((name) => publishing.has(name));
  }

  #watch(topic: string): TopicWatch {
    const known = this.#watches.get(topic);
    if (known) return known;
    const watch = new TopicWatch(
      this.#running,
      topic,
      this.#encoder,
      () => {
        for (const wake of this.#waiting) wake();
      },
      () => this.#watches.delete(topic),
    );
    this.#watches.set(topic, watch);
    return watch;
  }

  async #changed(waitMs: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      signal.addEventListener('abort', wake);
      this.#waiting.add(wake);
    });
  }
}
