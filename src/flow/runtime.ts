import { randomBytes } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
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
  /** A delivery settled. */
  settled(link: LinkName): void;
  /** A delivery failed. */
  failed(link: LinkName, error: unknown, outcome: 'retried' | 'dead-lettered' | 'dropped'): void;
}

/** What `fromBroker` and `toBroker` use where their options name nothing. */
interface Runtime {
  broker: Broker | undefined;
  /** Name of this process among the consumers of a group. */
  consumer: string;
  observer: DeliveryObserver | undefined;
  /** Subscriptions that are still acking or handing back. */
  readonly closing: Set<Promise<void>>;
  /** DURABLE subscriptions of this process, as `topic group`. */
  readonly groups: Set<string>;
}

const key = Symbol.for('edgeflow.runtime');
const globals = globalThis as typeof globalThis & { [key]?: Runtime };

/** Shared by all copies of the package in a process. */
export const runtime: Runtime = (globals[key] ??= {
  broker: undefined,
  consumer: `p-${randomBytes(6).toString('hex')}`,
  observer: undefined,
  closing: new Set(),
  groups: new Set(),
});

/**
 * Makes a broker the one that `fromBroker` and `toBroker` use in this process where their options name none.
 *
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

/** Resolves when every ended subscription has acked or handed back what it had. */
export async function subscriptionsClosed(): Promise<void> {
  while (runtime.closing.size > 0) await Promise.allSettled([...runtime.closing]);
}
