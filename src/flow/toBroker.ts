import { map, pipe, Subject } from 'rxjs';
import type { MonoTypeOperatorFunction, OperatorFunction } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { encodeValue } from '../codec.js';
import { messageIdSource } from '../message.js';
import type { OutgoingMessage } from '../message.js';
import { topic as nameTopic, validate } from '../topic.js';
import type { Topic } from '../topic.js';
import { brokerFor } from './defaultBroker.js';
import { currentDelivery } from './delivery.js';
import { mapAsync } from './mapAsync.js';
import { leasingOperator } from './operator.js';
import { observerOf } from './runtime.js';

/** Options of {@link toBroker}. */
export interface ToBrokerOptions {
  /** @defaultValue the broker of `useBroker`, or the embedded one */
  readonly broker?: Broker;
  /**
   * Publishes in one step with the settlement of the delivery that the value answers: both happen, or neither. Values then
   * pass on at once, before they are published. A System does this with what a node emits.
   *
   * Needs deliveries of `fromBroker` on the same broker; any other value is published as without the option.
   * @defaultValue false
   */
  readonly outbox?: boolean;
}

const nextId = messageIdSource();

/** A value, and what its topic's schema made of it. */
interface Checked<T> {
  readonly value: T;
  readonly checked: T;
}

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
 * With `outbox: true` the value passes on at once, and is published when the delivery settles, in one step with its ack:
 *
 * ```
 * in       --a-----b-----|
 *          toBroker(topic, { outbox: true }), mapAsync(work)
 * out      -----A-----B--|
 * topic    -----a-----b      with the ack of a; had work(a) failed, a would not be published
 * ```
 *
 * So there is one message for each delivery, whatever is killed. What several deliveries led to, such as a batch, is
 * published in one step with the acks of all of them.
 *
 * - **Emits** the value, in order, after it was published; with `outbox`, at once.
 * - **Settles** after that, when the value has been dealt with downstream.
 * - **Fails** the delivery when the broker refuses the message or the value does not fit the topic.
 * - **Completes** with the source, after the last confirmation; with `outbox`, `fromBroker` waits for it before it ends.
 *
 * @param topic - a {@link Topic}, or its name.
 * @param options - see {@link ToBrokerOptions}.
 * @returns the operator.
 * @throws EdgeFlowError `TOPIC_INVALID` for a name that brokers cannot store.
 * @example
 * ```ts
 * const frames = topic<Frame>('frames');
 * const pictures = topic<Frame>('pictures');
 * fromBroker(frames, QoS.DURABLE).pipe(encodeJpeg(), toBroker(pictures)).subscribe();
 * ```
 */
export function toBroker<T>(
  topic: Topic<T> | string,
  { broker: given, outbox = false }: ToBrokerOptions = {},
): MonoTypeOperatorFunction<T> {
  const named = typeof topic === 'string' ? nameTopic<T>(topic) : topic;
  const check: OperatorFunction<T, Checked<T>> = named.schema
    ? mapAsync(async (value) => ({ value, checked: await validate(named, value) }), { concurrency: Infinity })
    : map((value) => ({ value, checked: value }));
  // Checked first, so that a schema that takes its time does not change the order.
  return pipe(check, outbox ? publishOnSettling(named.name, given) : publishNow(named.name, given));
}

/** Publishes, and emits when the broker has confirmed. */
function publishNow<T>(topic: string, given: Broker | undefined): OperatorFunction<Checked<T>, T> {
  const publish = async ({ value, checked }: Checked<T>, signal: AbortSignal): Promise<T> => {
    const broker = brokerFor(given);
    await broker.push(topic, answer(broker, topic, checked), { signal });
    observerOf(broker)?.published(topic);
    return value;
  };
  return mapAsync((item, { signal }) => publish(item, signal), { concurrency: Infinity });
}

/** Leaves publishing to the source of the value's delivery, and emits at once; publishes by itself where that can't. */
function publishOnSettling<T>(topic: string, given: Broker | undefined): OperatorFunction<Checked<T>, T> {
  return leasingOperator<Checked<T>, T>('toBroker', (output) => {
    const others = new Subject<Checked<T>>();
    others.pipe(publishNow<T>(topic, given)).subscribe(output);
    return {
      next: (item, lease) => {
        const broker = brokerFor(given);
        const { delivery } = lease;
        if (!delivery?.commits(broker)) {
          others.next(item);
          lease.release();
          return;
        }
        try {
          delivery.addOutput(broker, { topic, message: answer(broker, topic, item.checked) });
        } catch (error) {
          lease.fail(error);
          return;
        }
        output.next(item.value);
        lease.release();
      },
      complete: () => {
        others.complete();
      },
    };
  });
}

/** The message for a value that answers the current delivery, or none. */
function answer(broker: Broker, topic: string, value: unknown): OutgoingMessage {
  const delivery = currentDelivery();
  const id = delivery?.nextOutputId(topic) ?? nextId();
  const traceparent = delivery?.traceparent ?? observerOf(broker)?.publishes?.(topic, id);
  return { id, time: Date.now(), ...encodeValue(value, traceparent) };
}
