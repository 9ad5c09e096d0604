import { randomBytes } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
import { EdgeFlowError } from '../errors.js';
import type { DeliveryStart, DeliveryWatch } from '../observe/deliveries.js';
import type { SkipReason } from '../observe/skips.js';
import type { QoS } from '../qos.js';
import type { Gate } from './gate.js';

/** One link as its consumer sees it. */
export interface LinkName {
  readonly topic: string;
  readonly group: string;
  readonly qos: QoS;
}

/** Told what happens to deliveries; a worker counts by it. */
export interface DeliveryObserver {
  /** A message was handed to the pipeline, this long after it was published. */
  delivered(link: LinkName, ageMs: number): void;
  /** A delivery begins. @returns who follows it, if anybody. */
  begins?(start: DeliveryStart): DeliveryWatch | undefined;
  /** Messages of a REALTIME link were passed over: `count` of them, those right before `before` where that is known. */
  skipped?(link: LinkName, count: number, reason: SkipReason, before: number | undefined): void;
  /** W3C trace context of a message that is published in answer to no delivery. */
  publishes?(topic: string, id: string): string | undefined;
  /** A delivery begins (1) or ceases (-1) to wait for further input. */
  parked?(link: LinkName, change: 1 | -1): void;
  /** A delivery failed. */
  failed(link: LinkName, error: unknown, outcome: 'retried' | 'dead-lettered' | 'dropped', id: string): void;
  /** The broker has confirmed a message. */
  published(topic: string): void;
}

/** A DURABLE subscription that is live or closing. */
interface DurableSubscription {
  readonly output: { readonly closed: boolean };
  /** Resolves when it has acked or handed back what it had. */
  readonly ended: Promise<void>;
}

/** A subscription on a broker, until it has acked or handed back what it had. */
interface Closing {
  readonly broker: Broker;
  readonly ended: Promise<void>;
}

/** What `fromBroker` and `toBroker` use where their options name nothing. */
interface Runtime {
  broker: Broker | undefined;
  /** Name of this process among the consumers of a group. */
  consumer: string;
  /** Who is told of the deliveries of a broker object. */
  readonly observers: WeakMap<Broker, DeliveryObserver>;
  /** What holds the node back that uses a broker object. */
  readonly gates: WeakMap<Broker, Gate>;
  /** Subscriptions that are live, acking, or handing back. */
  readonly closing: Set<Closing>;
  /** DURABLE subscriptions of this process on each broker, by `topic group consumer`. */
  readonly durable: WeakMap<Broker, Map<string, DurableSubscription>>;
}

const key = Symbol.for('edgeflow.runtime');
const globals = globalThis as typeof globalThis & { [key]?: Runtime };

/** Shared by all copies of the package in a process. */
export const runtime: Runtime = (globals[key] ??= {
  broker: undefined,
  consumer: `p-${randomBytes(6).toString('hex')}`,
  observers: new WeakMap(),
  gates: new WeakMap(),
  closing: new Set(),
  durable: new WeakMap(),
});

/**
 * Makes a broker the one that `fromBroker` and `toBroker` use in this process where their options name none.
 *
 * @param broker - used from now on; subscriptions that run keep theirs.
 * @example
 * ```ts
 * useBroker(new DualRedisBroker());
 * fromBroker<Frame>('frames', QoS.REALTIME).subscribe(({ index }) => console.log(index));
 * ```
 */
export function useBroker(broker: Broker): void {
  runtime.broker = broker;
}

/** Tells somebody of the deliveries of this broker object, and of what is published by it. */
export function observe(broker: Broker, observer: DeliveryObserver): void {
  runtime.observers.set(broker, observer);
}

export function observerOf(broker: Broker): DeliveryObserver | undefined {
  return runtime.observers.get(broker);
}

/** Keeps count of the clean-up of a subscription. */
export function trackClosing(broker: Broker, ended: Promise<void>): void {
  const closing = { broker, ended };
  runtime.closing.add(closing);
  void ended.finally(() => runtime.closing.delete(closing));
}

/**
 * Runs the only DURABLE subscription of this name; waits for an earlier one that is closing, as when `retry` subscribes anew.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` while an earlier one is live: the two would share the messages.
 */
export async function runAlone(
  broker: Broker,
  [topic, group, consumer]: readonly [topic: string, group: string, consumer: string],
  output: { readonly closed: boolean },
  run: () => Promise<void>,
): Promise<void> {
  const name = `${topic} ${group} ${consumer}`;
  let ofBroker = runtime.durable.get(broker);
  if (!ofBroker) runtime.durable.set(broker, (ofBroker = new Map<string, DurableSubscription>()));
  for (let earlier = ofBroker.get(name); earlier; earlier = ofBroker.get(name)) {
    if (!earlier.output.closed)
      throw new EdgeFlowError(
        'OPTIONS_INVALID',
        `topic '${topic}' is already read by group '${group}' in this process: give each DURABLE subscription a group of its own`,
      );
    await earlier.ended;
  }
  const ended = run();
  ofBroker.set(name, { output, ended });
  try {
    await ended;
  } finally {
    ofBroker.delete(name);
  }
}

/**
 * Resolves when every subscription has ended, and has acked or handed back what it had.
 *
 * @param broker - waits for the subscriptions on this broker object alone.
 * @example
 * ```ts
 * const logging = fromBroker('frames', QoS.DURABLE).pipe(batch(100)).subscribe(console.log);
 * logging.unsubscribe();
 * await subscriptionsClosed();
 * console.log('what was open is handed back');
 * ```
 */
export async function subscriptionsClosed(broker?: Broker): Promise<void> {
  for (;;) {
    const waited = [...runtime.closing].filter((closing) => !broker || closing.broker === broker);
    if (waited.length === 0) return;
    await Promise.allSettled(waited.map(({ ended }) => ended));
  }
}
