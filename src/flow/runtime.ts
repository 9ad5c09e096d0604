import { randomBytes } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
import { EdgeFlowError } from '../errors.js';
import type { QoS } from '../qos.js';

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
  /** A delivery failed. */
  failed(link: LinkName, error: unknown, outcome: 'retried' | 'dead-lettered' | 'dropped'): void;
  /** The broker has confirmed a message. */
  published(topic: string): void;
}

/** A DURABLE subscription that is live or closing. */
interface DurableSubscription {
  readonly output: { readonly closed: boolean };
  /** Resolves when it has acked or handed back what it had. */
  readonly ended: Promise<void>;
}

/** What `fromBroker` and `toBroker` use where their options name nothing. */
interface Runtime {
  broker: Broker | undefined;
  /** Name of this process among the consumers of a group. */
  consumer: string;
  observer: DeliveryObserver | undefined;
  /** Subscriptions that are still acking or handing back. */
  readonly closing: Set<Promise<void>>;
  /** DURABLE subscriptions of this process on each broker, by `topic group consumer`. */
  readonly durable: WeakMap<Broker, Map<string, DurableSubscription>>;
}

const key = Symbol.for('edgeflow.runtime');
const globals = globalThis as typeof globalThis & { [key]?: Runtime };

/** Shared by all copies of the package in a process. */
export const runtime: Runtime = (globals[key] ??= {
  broker: undefined,
  consumer: `p-${randomBytes(6).toString('hex')}`,
  observer: undefined,
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
 * ```
 */
export function useBroker(broker: Broker): void {
  runtime.broker = broker;
}

/** Keeps count of the clean-up of a subscription. */
export function trackClosing(closing: Promise<void>): void {
  runtime.closing.add(closing);
  void closing.finally(() => runtime.closing.delete(closing));
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

/** Resolves when every ended subscription has acked or handed back what it had. */
export async function subscriptionsClosed(): Promise<void> {
  while (runtime.closing.size > 0) await Promise.allSettled([...runtime.closing]);
}
