import { map, pipe } from 'rxjs';
import type { MonoTypeOperatorFunction, OperatorFunction } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { encodeValue } from '../codec.js';
import { messageIdSource } from '../message.js';
import { topic as nameTopic, validate } from '../topic.js';
import type { Topic } from '../topic.js';
import { brokerFor } from './defaultBroker.js';
import { currentDelivery } from './delivery.js';
import { mapAsync } from './mapAsync.js';

/** Options of {@link toBroker}. */
export interface ToBrokerOptions {
  /** @defaultValue the broker of `useBroker`, or the embedded one */
  readonly broker?: Broker;
}

const nextId = messageIdSource();

/**
 * Publishes each value, and passes it on once the broker has confirmed it.
 *
 * ```
 * in   --a---b---|
 *      toBroker(topic)
 * out  ---a---b--|       after the broker's word that it keeps the message
 * ```
 *
 * A value that answers a delivery gets a message id derived from it: when the delivery is repeated after a kill, the
 * broker recognises what was published before.
 *
 * - **Emits** the value, in order, after it was published.
 * - **Settles** after that, when the value has been dealt with downstream.
 * - **Fails** the delivery when the broker refuses the message or the value does not fit the topic.
 * - **Completes** with the source, after the last confirmation.
 *
 * @param topic - a {@link Topic}, or its name.
 * @returns the operator.
 * @throws EdgeFlowError `TOPIC_INVALID` for a name that brokers cannot store.
 * @example
 * ```ts
 * fromBroker(frames, QoS.DURABLE).pipe(mapAsync(encode), toBroker(pictures)).subscribe();
 * ```
 */
export function toBroker<T>(topic: Topic<T> | string, { broker: given }: ToBrokerOptions = {}): MonoTypeOperatorFunction<T> {
  const named = typeof topic === 'string' ? nameTopic<T>(topic) : topic;
  interface Checked {
    readonly value: T;
    readonly checked: T;
  }
  const check: OperatorFunction<T, Checked> = named.schema
    ? mapAsync(async (value) => ({ value, checked: await validate(named, value) }), { concurrency: Infinity })
    : map((value) => ({ value, checked: value }));
  const publish = async ({ value, checked }: Checked, signal: AbortSignal): Promise<T> => {
    // Read before the first await, while the value's delivery is current.
    const id = currentDelivery()?.nextOutputId(named.name) ?? nextId();
    const { meta, payload } = encodeValue(checked);
    await brokerFor(given).push(named.name, { id, time: Date.now(), meta, payload }, { signal });
    return value;
  };
  // Checked first, so that a schema that takes its time does not change the order.
  return pipe(
    check,
    mapAsync((item, { signal }) => publish(item, signal), { concurrency: Infinity }),
  );
}
