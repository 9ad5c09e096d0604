/**
 * The delivery scope: what adds back-pressure and acks to plain RxJS without wrapping its values.
 *
 * A source emits a value inside a delivery. The delivery is *current* while the value passes through synchronous
 * operators. Whoever goes on working after `next()` returned takes a {@link Lease} and, when it emits, enters the scope
 * again. When the last lease is gone, the delivery is settled.
 */

import type { Broker, Publication } from '../brokers/broker.js';
import { messageIdOf } from '../message.js';
import { Bond } from './bond.js';
import type { PendingCommit } from './pendingCommit.js';

/** What became of a delivery. */
export interface Settlement {
  /** Set when a branch of the pipeline failed; with several, the first. */
  readonly failed?: { readonly error: unknown };
  /** Set when the value was dropped for its age. */
  readonly expired?: boolean;
  /** Set when something is to be published in one step with the settlement: the source joins it. */
  readonly commit?: PendingCommit;
}

/** A claim on a delivery by an operator that goes on working. Ends with `release` or `fail`, once. */
export interface Lease {
  /** The delivery that is kept open; undefined for a value of a plain stream. */
  readonly delivery: Delivery | undefined;
  /** Calls `work` inside the delivery's scope, and returns what it returns. */
  run<R>(work: () => R): R;
  /** This branch is done. */
  release(): void;
  /** This branch failed: the message will be tried again or dead-lettered. */
  fail(error: unknown): void;
  /** Waiting for further input: does not count against the source's window until `unpark`. */
  park(): void;
  /** No longer waiting for further input. */
  unpark(): void;
}

/** Options of a {@link Delivery}. */
export interface DeliveryOptions {
  /** Id of the message; undefined where the value came from no broker. */
  readonly id?: string | undefined;
  /** W3C trace context for what is published in answer. */
  readonly traceparent?: string | undefined;
  /** Called once, when the last lease is gone. */
  readonly onSettled: (settlement: Settlement) => void;
  /** Called when the delivery starts (true) or stops (false) to wait for further input. */
  readonly onParked?: (parked: boolean) => void;
  /** The broker that can publish in one step with the settlement; undefined where the source has none. */
  readonly commitsTo?: Broker | undefined;
  /** Leases of the deliveries that this one stands for. */
  readonly standsFor?: readonly Lease[];
}

const settledWell: Settlement = {};

/** One value handed to one pipeline, until it is settled. */
export class Delivery {
  /** @internal */
  bond: Bond | undefined;
  /** @internal */
  failed: { readonly error: unknown } | undefined;
  readonly #options: DeliveryOptions;
  #holds = 0;
  #parked = 0;
  #settled = false;
  #expired = false;
  /** How many messages were published to each topic. */
  #outputs: Map<string, number> | undefined;

  /** @param options - see {@link DeliveryOptions}. */
  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Id of the message; undefined where the value came from no broker. */
  get id(): string | undefined {
    return this.#options.id;
  }

  /** @internal */
  get traceparent(): string | undefined {
    return this.#options.traceparent;
  }

  /**
   * Says that the value is dropped because it is older than what follows can use. A REALTIME link then counts the message as
   * skipped, not as delivered.
   */
  expire(): void {
    for (const source of this.sources()) source.#expired = true;
  }

  /** Whether the last lease is gone. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Keeps the delivery open until the lease ends. */
  hold(): Lease {
    this.#holds++;
    return new Hold(this);
  }

  /** Marks the delivery as failed without ending any lease. */
  fail(error: unknown): void {
    this.failed ??= { error };
  }

  /**
   * The id of the next message published to a topic in answer to this one. The same input gives the same output ids when
   * it is delivered again, so that the broker can tell a repeated publish from a new one.
   */
  nextOutputId(topic: string): string | undefined {
    const { id } = this;
    if (id === undefined) return undefined;
    this.#outputs ??= new Map();
    const count = this.#outputs.get(topic) ?? 0;
    this.#outputs.set(topic, count + 1);
    return messageIdOf(`${id}>${topic}.${count}`);
  }

  /**
   * Whether messages can be published to a broker in one step with the settlement of this delivery.
   *
   * @internal
   */
  commits(broker: Broker): boolean {
    const committing = this.#committing();
    return committing.length > 0 && committing.every(({ commitsTo }) => commitsTo === broker);
  }

  /**
   * Takes a message that is to be published in one step with the settlement of this delivery, or of all those that it
   * stands for: none of them is settled apart from it. It {@link commits} to that broker.
   *
   * @internal
   */
  addOutput(broker: Broker, output: Publication): void {
    Bond.of(this.#committing(), broker).outputs.push(output);
  }

  #committing(): Delivery[] {
    return this.sources().filter(({ commitsTo }) => commitsTo !== undefined);
  }

  /** @internal */
  get commitsTo(): Broker | undefined {
    return this.#options.commitsTo;
  }

  /**
   * The deliveries that sources made: this one, or those that it stands for.
   *
   * @internal
   */
  sources(): Delivery[] {
    const { standsFor } = this.#options;
    return standsFor ? standsFor.flatMap(({ delivery }) => delivery?.sources() ?? []) : [this];
  }

  /**
   * Whether it stands for values of a plain stream alone: nobody can be given a failure back.
   *
   * @internal
   */
  get ownerless(): boolean {
    return this.#options.standsFor !== undefined && this.sources().length === 0;
  }

  /** @internal */
  endHold(): void {
    if (--this.#holds > 0 || this.#settled) return;
    this.#settled = true;
    if (!this.bond) this.conclude(this.failed ? { failed: this.failed } : settledWell);
    else if (!this.bond.memberDone()) this.countParked(1);
  }

  /** @internal */
  conclude(settlement: Settlement): void {
    if (this.#parked > 0) this.countParked(-1);
    this.#options.onSettled(this.#expired ? { ...settlement, expired: true } : settlement);
  }

  /** @internal */
  countParked(change: 1 | -1): void {
    this.#parked += change;
    if (this.#parked === (change > 0 ? 1 : 0)) this.#options.onParked?.(change > 0);
  }
}

class Hold implements Lease {
  readonly delivery: Delivery;
  #ended = false;
  #parked = false;

  constructor(delivery: Delivery) {
    this.delivery = delivery;
  }

  run<R>(work: () => R): R {
    return enter(this.delivery, work);
  }

  release(): void {
    if (this.#ended) return;
    this.unpark();
    this.#ended = true;
    this.delivery.endHold();
  }

  fail(error: unknown): void {
    if (!this.#ended) this.delivery.fail(error);
    this.release();
  }

  park(): void {
    if (this.#ended || this.#parked) return;
    this.#parked = true;
    this.delivery.countParked(1);
  }

  unpark(): void {
    if (!this.#parked) return;
    this.#parked = false;
    this.delivery.countParked(-1);
  }
}

/** An operator, while its pipeline is being subscribed, that wants to know whether deliveries feed it. */
export interface Feed {
  /** Set by a source of deliveries. */
  delivers: boolean;
  /** What the operator emits to: once it is closed, the operator ends no lease any more. */
  readonly output: { readonly closed: boolean; add(teardown: () => void): void };
}

/** Shared by all copies of the package in a process. */
interface Scope {
  current: Delivery | undefined;
  feeds: Feed[];
}

const scopeKey = Symbol.for('edgeflow.scope');
const globals = globalThis as typeof globalThis & { [scopeKey]?: Scope };
const scope: Scope = (globals[scopeKey] ??= { current: undefined, feeds: [] });

function enter<R>(delivery: Delivery, work: () => R): R {
  const before = scope.current;
  scope.current = delivery;
  try {
    return work();
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

/**
 * Called by a source of deliveries when it is subscribed: every operator below it then knows.
 *
 * @returns those operators.
 */
export function announceDeliveries(): readonly Feed[] {
  for (const feed of scope.feeds) feed.delivers = true;
  return [...scope.feeds];
}

/** Subscribes by `subscribe` and notes in the feed whether a source of deliveries was subscribed by that. */
export function watchFeed(feed: Feed, subscribe: () => void): void {
  scope.feeds.push(feed);
  try {
    subscribe();
  } finally {
    scope.feeds.splice(scope.feeds.lastIndexOf(feed), 1);
  }
}
