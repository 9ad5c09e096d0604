interface Timer {
  readonly id: number;
  readonly callback: (...args: unknown[]) => void;
  readonly args: readonly unknown[];
  due: number;
  /** Of an interval. */
  readonly everyMs: number | undefined;
}

type Callback = (...args: unknown[]) => void;

/** What the clock takes the place of, in the whole process. */
const replaced = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const;

const real = { setImmediate: globalThis.setImmediate, clearImmediate: globalThis.clearImmediate };

/** When the virtual time begins, for code that takes 0 for no time. */
const epochMs = Date.UTC(2030, 0, 1);

let installed = false;

/**
 * Virtual time for a whole process: timers, `Date.now` and `performance.now` go by it. It stands still while code runs, and
 * jumps to the next timer when nothing is left to do: no microtask, no `setImmediate`. So nothing waits, and the same code
 * gives the same times.
 *
 * What comes from outside the process (files, sockets, other threads) and `node:timers/promises` take real time, of which
 * the clock knows nothing.
 */
export class VirtualClock {
  readonly #timers = new Map<number, Timer>();
  readonly #saved = new Map<string, PropertyDescriptor | undefined>();
  #now = 0;
  #lastId = 0;
  /** `setImmediate` calls that are under way. */
  readonly #immediates = new Set<NodeJS.Immediate>();

  /** Milliseconds since the clock was installed. */
  get now(): number {
    return this.#now;
  }

  install(): void {
    if (installed) throw new Error('virtual time runs in this process already: await one runMarbles before the next');
    installed = true;
    const add = (callback: Callback, ms = 0, args: readonly unknown[], repeats: boolean): NodeJS.Timeout => {
      const delay = Math.max(repeats ? 1 : 0, ms);
      const timer = { id: ++this.#lastId, callback, args, due: this.#now + delay, everyMs: repeats ? delay : undefined };
      this.#timers.set(timer.id, timer);
      return this.#handle(timer.id);
    };
    const clear = (handle: unknown): void => {
      this.#timers.delete(Number(handle));
    };
    const replacements: Record<(typeof replaced)[number], unknown> = {
      setTimeout: (callback: Callback, ms?: number, ...args: unknown[]) => add(callback, ms, args, false),
      setInterval: (callback: Callback, ms?: number, ...args: unknown[]) => add(callback, ms, args, true),
      clearTimeout: clear,
      clearInterval: clear,
      setImmediate: (callback: Callback, ...args: unknown[]) => {
        const handle = real.setImmediate(() => {
          this.#immediates.delete(handle);
          callback(...args);
        });
        this.#immediates.add(handle);
        return handle;
      },
      clearImmediate: (handle: NodeJS.Immediate) => {
        this.#immediates.delete(handle);
        real.clearImmediate(handle);
      },
    };
    for (const name of replaced) this.#replace(globalThis, name, replacements[name]);
    this.#replace(Date, 'now', () => epochMs + this.#now);
    this.#replace(performance, 'now', () => this.#now);
  }

  /** Gives real time back; timers that are left never ring. */
  uninstall(): void {
    for (const [name, descriptor] of this.#saved) {
      const target = name === 'Date.now' ? Date : name === 'performance.now' ? performance : globalThis;
      const key = name.slice(name.indexOf('.') + 1);
      if (descriptor) Object.defineProperty(target, key, descriptor);
      else Reflect.deleteProperty(target, key);
    }
    this.#saved.clear();
    this.#timers.clear();
    installed = false;
  }

  /** Lets timers ring, in order, until a time. */
  async runUntil(endMs: number): Promise<void> {
    await this.#settle();
    for (let timer = this.#next(endMs); timer; timer = this.#next(endMs)) {
      this.#now = timer.due;
      if (timer.everyMs === undefined) this.#timers.delete(timer.id);
      else timer.due += timer.everyMs;
      timer.callback(...timer.args);
      await this.#settle();
    }
    this.#now = endMs;
  }

  /** Resolves when no microtask and no `setImmediate` is left: Node works the former off before each of the latter. */
  async #settle(): Promise<void> {
    do {
      await new Promise<void>((resolve) => {
        real.setImmediate(resolve);
      });
    } while (this.#immediates.size > 0);
  }

  /** The timer that is due first; of several, the one that was set first. */
  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) if (timer.due <= endMs && (!first || timer.due < first.due)) first = timer;
    return first;
  }

  #handle(id: number): NodeJS.Timeout {
    const handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      refresh: () => handle,
      close: () => handle,
      [Symbol.toPrimitive]: () => id,
      [Symbol.dispose]: () => {
        this.#timers.delete(id);
      },
    };
    return handle as unknown as NodeJS.Timeout;
  }

  #replace(target: object, key: string, value: unknown): void {
    const name = target === Date ? 'Date.now' : target === performance ? 'performance.now' : key;
    this.#saved.set(name, Object.getOwnPropertyDescriptor(target, key));
    Object.defineProperty(target, key, { value, configurable: true, writable: true });
  }
}
