import type { Subscriber } from 'rxjs';
import type { Broker, DeliveredMessage, GroupConsumer } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import { errorMessage } from '../errors.js';
import { QoS } from '../qos.js';
import { validate } from '../topic.js';
import type { Topic } from '../topic.js';
import { AckQueue } from './ackQueue.js';
import { deliver } from './delivery.js';
import type { Settlement } from './delivery.js';
import { defaultMaxDeliveries, retryDelay } from './retry.js';
import type { RetryOptions } from './retry.js';
import { runtime } from './runtime.js';

/** How long one `pop` waits; the loop then looks again whether it is still wanted. */
const popWaitMs = 1_000;

export interface DurableSourceOptions extends GroupConsumer {
  readonly prefetch: number;
  readonly retry: RetryOptions;
  /** Aborted: take no more, and complete when what is open has settled. */
  readonly stop: AbortSignal | undefined;
}

/** The DURABLE side of `fromBroker`: one subscription of one consumer. */
export class DurableSource<T> {
  readonly #broker: Broker;
  readonly #topic: Topic<T>;
  readonly #options: DurableSourceOptions;
  readonly #output: Subscriber<T>;
  readonly #abort = new AbortController();
  readonly #acks: AckQueue;
  readonly #open = new Map<number, DeliveredMessage>();
  readonly #nacks = new Set<Promise<void>>();
  /** Open deliveries that wait for further input, and so do not count against the window. */
  #parked = 0;
  /** Settled, but not yet acked at the broker. */
  #unacked = 0;
  #wake: (() => void) | undefined;

  constructor(broker: Broker, topic: Topic<T>, options: DurableSourceOptions, output: Subscriber<T>) {
    this.#broker = broker;
    this.#topic = topic;
    this.#options = options;
    this.#output = output;
    this.#acks = new AckQueue(broker, topic.name, options, (count) => {
      this.#unacked -= count;
      this.#wake?.();
    });
    options.stop?.addEventListener('abort', () => {
      this.#abort.abort();
      this.#wake?.();
    });
  }

  /** Runs until the output is unsubscribed or `stop` is aborted, then hands back what did not settle. */
  async run(): Promise<void> {
    const { prefetch, stop } = this.#options;
    this.#output.add(() => {
      this.#abort.abort();
      this.#wake?.();
    });
    try {
      // Reading one by one costs many times what reading in batches does.
      const leastRoom = Math.max(1, prefetch >> 2);
      await this.#broker.declare({ topic: this.#topic.name, groups: [this.#options.group] });
      while (!this.#output.closed && !stop?.aborted) {
        const room = prefetch - this.#working;
        if (room < leastRoom) await this.#changed();
        else await this.#take(room);
      }
      while (!this.#output.closed && this.#open.size > this.#parked) await this.#changed();
    } catch (error) {
      this.#output.error(error);
    }
    // Batches that were waiting for more input come out now, and settle.
    const stopped = !this.#output.closed;
    if (stopped) this.#output.complete();
    while (stopped && this.#open.size > 0) await this.#changed();
    await this.#close();
  }

  /**
   * Messages that count against the window. Those that are settled but not yet acked count too: they bound what a slow
   * broker can pile up, and in strict order the next message must not come before the ack.
   */
  get #working(): number {
    return this.#open.size - this.#parked + this.#unacked;
  }

  async #take(count: number): Promise<void> {
    const { group, consumer, prefetch } = this.#options;
    const messages = await this.#broker.pop(this.#topic.name, {
      group,
      consumer,
      count,
      waitMs: popWaitMs,
      strict: prefetch === 1,
      signal: this.#abort.signal,
    });
    for (const message of messages) this.#open.set(message.seq, message);
    for (const message of messages) {
      if (this.#output.closed) return;
      await this.#emit(message);
    }
  }

  async #emit(message: DeliveredMessage): Promise<void> {
    const { maxDeliveries = defaultMaxDeliveries } = this.#options.retry;
    if (message.attempt > maxDeliveries) {
      this.#fail(message, new Error(`it was delivered ${maxDeliveries} times and never settled: its consumer died each time`));
      return;
    }
    let value: T;
    try {
      value = decodeValue(message) as T;
      if (this.#topic.schema) value = await validate(this.#topic, value);
    } catch (error) {
      this.#fail(message, error, true);
      return;
    }
    runtime.observer?.delivered(this.#link, Math.max(0, Date.now() - message.time));
    deliver(
      {
        id: message.id,
        onSettled: (settlement) => {
          this.#settle(message, settlement);
        },
        onParked: (parked) => {
          this.#parked += parked ? 1 : -1;
          this.#wake?.();
        },
      },
      () => {
        this.#output.next(value);
      },
    );
  }

  #settle(message: DeliveredMessage, { failed }: Settlement): void {
    runtime.observer?.settled(this.#link);
    if (failed) {
      this.#fail(message, failed.error);
      return;
    }
    this.#open.delete(message.seq);
    this.#unacked++;
    this.#acks.add({ seq: message.seq, attempt: message.attempt });
    this.#wake?.();
  }

  /** @param hopeless - no later attempt can do better: straight to the dead letters. */
  #fail(message: DeliveredMessage, error: unknown, hopeless = false): void {
    const retryAfterMs = hopeless ? undefined : retryDelay(message.attempt, this.#options.retry);
    runtime.observer?.failed(this.#link, error, retryAfterMs === undefined ? 'dead-lettered' : 'retried');
    const nack = this.#broker
      .nack(this.#topic.name, this.#options, message, { error: errorMessage(error), retryAfterMs })
      .then(
        () => undefined,
        // The message stays open at the broker and comes again when this consumer is restarted or found dead.
        (cause: unknown) => runtime.observer?.failed(this.#link, cause, 'retried'),
      )
      .finally(() => {
        this.#nacks.delete(nack);
        this.#open.delete(message.seq);
        this.#wake?.();
      });
    this.#nacks.add(nack);
  }

  get #link(): { topic: string; group: string; qos: QoS } {
    return { topic: this.#topic.name, group: this.#options.group, qos: QoS.DURABLE };
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #close(): Promise<void> {
    await this.#acks.idle();
    await Promise.all(this.#nacks);
    const { group, consumer } = this.#options;
    if (this.#open.size === 0) return;
    try {
      await this.#broker.release(this.#topic.name, { group, consumer }, [...this.#open.keys()]);
    } catch (error) {
      runtime.observer?.failed(this.#link, error, 'retried');
    }
  }
}
