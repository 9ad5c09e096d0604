/** What is known of keys, bounded: whichever was longest without use gives way. */
export class LastUsed<K, V> {
  /** In the order of last use. */
  readonly #known = new Map<K, V>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Looking is no use. */
  peek(key: K): V | undefined {
    return this.#known.get(key);
  }

  /**
   * Notes that a key is used, and what is known of it from now on.
   *
   * @returns what gave way.
   */
  use(key: K, value: V): V | undefined {
    this.#known.delete(key);
    this.#known.set(key, value);
    const [oldest] = this.#known;
    if (!oldest || this.#known.size <= this.#most) return undefined;
    this.#known.delete(oldest[0]);
    return oldest[1];
  }

  /** Forgets all, and returns it. */
  clear(): V[] {
    const all = [...this.#known.values()];
    this.#known.clear();
    return all;
  }
}
