interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Puts what comes in one turn of the event loop, or while work is under way, into the next work: one for many under load. */
export class Gathered<T> {
  readonly #work: (items: readonly T[]) => Promise<readonly (Error | undefined)[]>;
  #waiting: Waiting<T>[] = [];
  #busy = false;

  /** @param work - gives an error, or none, for each item; rejects for all of them. */
  constructor(work: (items: readonly T[]) => Promise<readonly (Error | undefined)[]>) {
    this.#work = work;
  }

  /** Resolves when the work on the item is done. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const errors = await this.#work(group.map(({ item }) => item));
        group.forEach(({ resolve, reject }, place) => {
          const error = errors[place];
          if (error) reject(error);
          else resolve();
        });
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#busy = false;
  }
}
