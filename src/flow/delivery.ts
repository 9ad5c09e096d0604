/**
 * The delivery scope: what adds back-pressure and acks to plain RxJS without wrapping its values.
 *
 * A source emits a value inside a delivery. The delivery is *current* while the value passes through synchronous
 * operators. Whoever goes on working after `next()` returned takes a {@link Lease} and, when it emits, enters the scope
 * again. When the last lease is gone, the delivery is settled.
 */

/** What became of a delivery. `failed` is set when a branch of the pipeline failed. */
export interface Settlement {
  readonly failed?: { readonly error: unknown };
}

/** A claim on a delivery by an operator that goes on working. Ends with `release` or `fail`, once. */
export interface Lease {
  /** Identity of the delivery, for deriving output ids; undefined for values that came from no broker. */
  readonly delivery: Delivery | undefined;
  /** Calls `work` inside the delivery's scope. */
  run(work: () => void): void;
  /** This branch is done. */
  release(): void;
  /** This branch failed: the message will be tried again or dead-lettered. */
  fail(error: unknown): void;
  /** Waiting for further input: does not count against the source's window until `unpark`. */
  park(): void;
  unpark(): void;
}

/** Options of a {@link Delivery}. */
export interface DeliveryOptions {
  /** Id of the message; undefined where the value came from no broker. */
  readonly id?: string;
  /** Called once, when the last lease is gone. */
  readonly onSettled: (settlement: Settlement) => void;
  /** Called when the delivery starts (true) or stops (false) to wait for further input. */
  readonly onParked?: (parked: boolean) => void;
}

/** One value handed to one pipeline, until it is settled. */
export class Delivery {
  readonly id: string | undefined;
  readonly #options: DeliveryOptions;
  #holds = 0;
  #parked = 0;
  #settled = false;
  #failed: { readonly error: unknown } | undefined;
  #outputs = 0;

  constructor(options: DeliveryOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Keeps the delivery open until the lease ends. */
  hold(): Lease {
    this.#holds++;
    let ended = false;
    let parked = false;
    const setParked = (next: boolean): void => {
      if (ended || parked === next) return;
      parked = next;
      this.#parked += next ? 1 : -1;
      if (this.#parked === (next ? 1 : 0)) this.#options.onParked?.(next);
    };
    const end = (failed?: { readonly error: unknown }): void => {
      if (ended) return;
      setParked(false);
      ended = true;
      this.#failed ??= failed;
      if (--this.#holds === 0) this.#settle();
    };
    return {
      delivery: this,
      run: (work) => {
        enter(this, work);
      },
      release: () => {
        end();
      },
      fail: (error) => {
        end({ error });
      },
      park: () => {
        setParked(true);
      },
      unpark: () => {
        setParked(false);
      },
    };
  }

  /** Marks the delivery as failed without ending any lease. */
  fail(error: unknown): void {
    this.#failed ??= { error };
  }

  /**
   * The id of the next message published in answer to this one. The same input gives the same output ids when it is
   * delivered again, so that the broker can tell a repeated publish from a new one.
   */
  nextOutputId(topic: string): string | undefined {
    return this.id === undefined ? undefined : `${this.id}>${topic}.${this.#outputs++}`;
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.onSettled(this.#failed ? { failed: this.#failed } : {});
  }
}

/** Shared by all copies of the package in a process. */
interface Scope {
  current: Delivery | undefined;
  feeds: Feed[];
}

/** Whether a pipeline is fed by deliveries; found out while it is being subscribed. */
export interface Feed {
  delivers: boolean;
}

const scopeKey = Symbol.for('edgeflow.scope');
const globals = globalThis as typeof globalThis & { [scopeKey]?: Scope };
const scope: Scope = (globals[scopeKey] ??= { current: undefined, feeds: [] });

function enter(delivery: Delivery | undefined, work: () => void): void {
  const before = scope.current;
  scope.current = delivery;
  try {
    work();
  } finally {
    scope.current = before;
  }
}

/** The delivery whose value is passing through right now. */
export function currentDelivery(): Delivery | undefined {
  return scope.current;
}

/** Emits one value inside a new delivery. */
export function deliver(options: DeliveryOptions, emit: () => void): Delivery {
  const delivery = new Delivery(options);
  const lease = delivery.hold();
  try {
    lease.run(emit);
    lease.release();
  } catch (error) {
    lease.fail(error);
  }
  return delivery;
}

/** Called by a source of deliveries when it is subscribed: every operator below it then knows. */
export function announceDeliveries(): void {
  for (const feed of scope.feeds) feed.delivers = true;
}

/** Subscribes by `subscribe` and notes in the returned feed whether a source of deliveries was subscribed by that. */
export function watchFeed(feed: Feed, subscribe: () => void): void {
  scope.feeds.push(feed);
  try {
    subscribe();
  } finally {
    scope.feeds.splice(scope.feeds.lastIndexOf(feed), 1);
  }
}
