import { Observable } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { checkNames, checkOptions, isAtLeast, oneOf } from '../checkOptions.js';
import { QoS } from '../qos.js';
import { checkName, topic as nameTopic } from '../topic.js';
import type { Topic } from '../topic.js';
import { brokerFor } from './defaultBroker.js';
import { announceDeliveries } from './delivery.js';
import { watchDownstream } from './downstreamErrors.js';
import { DurableSource } from './durableSource.js';
import { LatestSource } from './latestSource.js';
import { checkRetry } from './retry.js';
import type { RetryOptions } from './retry.js';
import { runAlone, runtime, trackClosing } from './runtime.js';

/**
 * How the large bytes of a value come.
 *
 * - `copy`: yours to keep.
 * - `view`: the broker's own memory, where it has some to show (the embedded broker has): right until the delivery has
 *   settled, other bytes later, and never to be written to. Saves a copy of each frame.
 * - `poison`: a copy that is overwritten when the delivery has settled. Shows who would keep a view for too long.
 */
export type PayloadMode = 'copy' | 'view' | 'poison';

const payloadModes: readonly PayloadMode[] = ['copy', 'view', 'poison'];

/**
 * Checks how a topic is to be read.
 *
 * @param where - whose options they are, for the message.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkReading(
  where: string,
  { prefetch, concurrency, payload, retry = {} }: Pick<FromBrokerOptions, 'prefetch' | 'concurrency' | 'payload' | 'retry'>,
): void {
  checkOptions(where, [
    ['prefetch', prefetch, Number.isInteger(prefetch) && isAtLeast(prefetch, 1), 'a whole number of at least 1'],
    ['concurrency', concurrency, Number.isInteger(concurrency) && isAtLeast(concurrency, 1), 'a whole number of at least 1'],
    ['payload', payload, payloadModes.some((mode) => mode === payload), oneOf(payloadModes)],
  ]);
  checkRetry(where, retry);
}

/** Options of {@link fromBroker}. */
export interface FromBrokerOptions {
  /** @defaultValue the broker of `useBroker`, or the embedded one */
  readonly broker?: Broker;
  /**
   * Name of this subscription. Processes that name the same group share its messages.
   * @defaultValue 'default'
   */
  readonly group?: string;
  /** Name of this process in the group; keep it stable to take open messages back at once after a restart. @defaultValue random */
  readonly consumer?: string;
  /**
   * DURABLE: most messages that may be open, not counting those that wait in a `batch` or a `leased` operator. 1 gives strict
   * order, even across redelivery: then nothing comes while a message waits, so that a batch needs its `maxWaitMs`.
   * @defaultValue 64
   */
  readonly prefetch?: number;
  /** REALTIME: most messages that may be open, not counting those that wait in a `batch` or a `leased` operator. @defaultValue 1 */
  readonly concurrency?: number;
  /** DURABLE: what happens to messages that fail. */
  readonly retry?: RetryOptions;
  /** @defaultValue 'copy' */
  readonly payload?: PayloadMode;
  /** Aborted: the stream takes no more, lets what is open settle, and completes. */
  readonly stop?: AbortSignal;
}

const names: Readonly<Record<keyof FromBrokerOptions, true>> = {
  broker: true,
  group: true,
  consumer: true,
  prefetch: true,
  concurrency: true,
  retry: true,
  payload: true,
  stop: true,
};

/**
 * A topic as an Observable, with the quality of service of your choice.
 *
 * ```
 * topic                    --1-2-3-4-5-6-->
 * REALTIME, slow consumer  --1-----4---6-->     newest when the last one has settled; 2, 3, 5 skipped and counted
 * DURABLE, slow consumer   --1--2--3--4--5--6-> every one, acked when it has settled
 * ```
 *
 * - **Emits** plain values, each inside a delivery: see `docs/concepts.md`.
 * - **Settles** a delivery when the value has passed through the pipeline, and what EdgeFlow's asynchronous operators do
 *   with it is done. DURABLE: settled is acked; a failed delivery is tried again with backoff, then dead-lettered.
 *   REALTIME: settling is the demand for the next value.
 *   A value on which a synchronous operator, or the subscriber itself, throws has failed too, though RxJS then ends the
 *   stream; `retry()` starts it again. After `share()` only EdgeFlow's own operators can tell.
 * - **Fails** for the infrastructure only, such as an unreachable broker.
 * - **Completes** after `stop` was aborted.
 *
 * @param topic - a {@link Topic}, or its name.
 * @param qos - `QoS.REALTIME` or `QoS.DURABLE`.
 * @returns the stream; each subscription takes messages of its own.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a prefetch or concurrency below 1, `retry` options out of range, an unknown `payload`, or an option that there is not.
 * @example
 * ```ts
 * const frames = topic<Frame>('frames');
 * const detections = topic<Detections>('detections');
 * fromBroker(frames, QoS.REALTIME).pipe(detectYolo(), toBroker(detections)).subscribe();
 * ```
 */
export function fromBroker<T>(topic: Topic<T> | string, qos: QoS, options: FromBrokerOptions = {}): Observable<T> {
  const named = typeof topic === 'string' ? nameTopic<T>(topic) : topic;
  const { broker: given, group = 'default', consumer = runtime.consumer, prefetch = 64, concurrency = 1, retry = {}, stop } = options;
  const { payload = 'copy' } = options;
  checkNames(`fromBroker('${named.name}')`, options, names);
  checkName('group', group);
  checkName('consumer', consumer);
  checkReading(`fromBroker('${named.name}')`, { prefetch, concurrency, payload, retry });

  return new Observable<T>((output) => {
    watchDownstream(output);
    const below = announceDeliveries();
    const broker = brokerFor(given);
    const run = async (): Promise<void> => {
      const context = { broker, topic: named, group, consumer, payload, stop, output, below };
      if (qos === QoS.REALTIME) await new LatestSource(context, concurrency).run();
      else await runAlone(broker, [named.name, group, consumer], output, () => new DurableSource(context, prefetch, retry).run());
    };
    trackClosing(
      broker,
      run().catch((error: unknown) => output.error(error)),
    );
  });
}
