import type { Held } from './held.js';

/** A window that is being filled. */
export interface OpenWindow<T, K> {
  readonly key: K;
  readonly start: number;
  readonly members: Held<T>[];
}

/** The windows that are open, by their beginning and key. */
export class OpenWindows<T, K> {
  readonly #byStart = new Map<number, Map<K, OpenWindow<T, K>>>();
  readonly #ms: number;
  readonly #everyMs: number;
  #values = 0;

  constructor(ms: number, everyMs: number) {
    this.#ms = ms;
    this.#everyMs = everyMs;
  }

  /** Values that are kept, each as often as it is in a window. */
  get values(): number {
    return this.#values;
  }

  /** When the windows that a time lies in begin. */
  startsOf(time: number): number[] {
    const last = Math.floor(time / this.#everyMs) * this.#everyMs;
    const count = Math.ceil((this.#ms - (time - last)) / this.#everyMs);
    return Array.from({ length: Math.max(0, count) }, (_, back) => last - (count - 1 - back) * this.#everyMs);
  }

  add(start: number, key: K, held: Held<T>): void {
    const windows = this.#byStart.get(start) ?? new Map<K, OpenWindow<T, K>>();
    this.#byStart.set(start, windows);
    const window = windows.get(key) ?? { key, start, members: [] };
    windows.set(key, window);
    window.members.push(held);
    this.#values++;
  }

  /** Takes out the windows that end by then, the earliest first. */
  takeEndedBy(time: number): OpenWindow<T, K>[] {
    return this.#starts()
      .filter((start) => start + this.#ms <= time)
      .flatMap((start) => this.#take(start));
  }

  /** Takes out the windows that begin first. */
  takeEarliest(): OpenWindow<T, K>[] {
    const [earliest] = this.#starts();
    return earliest === undefined ? [] : this.#take(earliest);
  }

  #starts(): number[] {
    return [...this.#byStart.keys()].sort((a, b) => a - b);
  }

  #take(start: number): OpenWindow<T, K>[] {
    const windows = [...(this.#byStart.get(start)?.values() ?? [])];
    this.#byStart.delete(start);
    for (const { members } of windows) this.#values -= members.length;
    return windows;
  }
}
