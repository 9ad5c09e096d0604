import type { DeliveredMessage } from '../brokers/broker.js';
import { describeError } from '../errors.js';
import { QoS } from '../qos.js';
import { AckQueue } from './ackQueue.js';
import { BrokerSource, popWaitMs } from './brokerSource.js';
import type { SourceContext } from './brokerSource.js';
import type { Settlement } from './delivery.js';
import { insist } from './insist.js';
import { defaultMaxDeliveries, retryDelay } from './retry.js';
import type { RetryOptions } from './retry.js';
import { observerOf } from './runtime.js';
import type { LinkName } from './runtime.js';

/** Most characters of a stack that are kept with a failure. */
const longestStack = 16 * 1024;

/** The DURABLE side of `fromBroker`: one subscription of one consumer. */
export class DurableSource<T> extends BrokerSource<T, DeliveredMessage> {
  protected readonly link: LinkName;
  protected readonly leastRoom: number;
  readonly #prefetch: number;
  readonly #retry: RetryOptions;
  readonly #acks: AckQueue;
  /** Taken, and not settled by the pipeline: handed back at the end. */
  readonly #unsettled = new Set<number>();

  constructor(context: SourceContext<T>, prefetch: number, retry: RetryOptions) {
    super(context);
    const { broker, topic, group } = context;
    this.link = { topic: topic.name, group, qos: QoS.DURABLE };
    this.#prefetch = prefetch;
    // Reading one by one costs many times what reading in batches does.
    this.leastRoom = Math.max(1, prefetch >> 2);
    this.#retry = retry;
    this.#acks = new AckQueue(broker, topic.name, context, this.closing.signal, (count) => {
      this.settledAtBroker(count);
    });
  }

  /** In strict order the next message must not come before the ack either. */
  protected get room(): number {
    return this.#prefetch - this.taken;
  }

  protected declare(): Promise<void> {
    const { broker, topic, group } = this.context;
    return broker.declare({ topic: topic.name, groups: [group] });
  }

  protected async take(room: number, signal: AbortSignal): Promise<void> {
    const { broker, topic, group, consumer, output } = this.context;
    const request = { group, consumer, count: room, waitMs: popWaitMs, strict: this.#prefetch === 1, inPlace: this.inPlace, signal };
    const messages = await broker.pop(topic.name, request);
    this.received = Date.now();
    for (const message of messages) this.#unsettled.add(message.seq);
    const { maxDeliveries = defaultMaxDeliveries } = this.#retry;
    for (const message of messages) {
      if (output.closed) return;
      if (message.attempt <= maxDeliveries) await this.emit(message);
      else
        this.#fail(message, new Error(`it was delivered ${maxDeliveries} times and never settled: its consumer died each time`), undefined);
    }
  }

  protected unreadable(message: DeliveredMessage, error: unknown): void {
    // No later attempt can do better.
    this.#fail(message, error, undefined);
  }

  protected settled(message: DeliveredMessage, { failed, commit }: Settlement): void {
    const { topic, group, consumer } = this.context;
    const { seq, token } = message;
    if (failed) {
      this.#fail(message, failed.error, retryDelay(message.attempt, this.#retry));
      return;
    }
    this.#unsettled.delete(seq);
    this.settling();
    if (!commit) {
      this.over(seq);
      this.#acks.add({ seq, token });
      return;
    }
    commit.join({
      ack: { topic: topic.name, group, consumer, seq, token },
      cut: this.cut.signal,
      onOutcome: (outcome) => {
        this.over(seq);
        if (typeof outcome === 'object') this.#fail(message, outcome.refused, retryDelay(message.attempt, this.#retry));
        else if (outcome === 'dropped') this.#release([seq]);
        this.settledAtBroker();
      },
    });
  }

  /** @param retryAfterMs - undefined sends the message to the dead letters. */
  #fail(message: DeliveredMessage, error: unknown, retryAfterMs: number | undefined): void {
    const { broker, topic } = this.context;
    observerOf(broker)?.failed(this.link, error, retryAfterMs === undefined ? 'dead-lettered' : 'retried', message.id);
    this.#unsettled.delete(message.seq);
    this.over(message.seq);
    const stack = error instanceof Error ? error.stack?.slice(0, longestStack) : undefined;
    const failure = { error: describeError(error), stack, retryAfterMs };
    this.#settle(() => broker.nack(topic.name, this.context, message, failure));
  }

  #release(seqs: readonly number[]): void {
    const { broker, topic } = this.context;
    this.#settle(() => broker.release(topic.name, this.context, seqs));
  }

  #settle(call: () => Promise<unknown>): void {
    this.settling();
    void insist(call, this.closing.signal).then(() => {
      this.settledAtBroker();
    });
  }

  protected async handBack(): Promise<void> {
    const { broker, topic } = this.context;
    if (this.#unsettled.size > 0) await insist(() => broker.release(topic.name, this.context, [...this.#unsettled]), this.closing.signal);
  }
}
