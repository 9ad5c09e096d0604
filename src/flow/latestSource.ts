import type { ReceivedMessage } from '../message.js';
import { QoS } from '../qos.js';
import { BrokerSource, popWaitMs } from './brokerSource.js';
import type { SourceContext } from './brokerSource.js';
import type { Settlement } from './delivery.js';
import { observerOf } from './runtime.js';
import type { LinkName } from './runtime.js';

/** The REALTIME side of `fromBroker`: takes the newest message whenever fewer than `concurrency` deliveries are worked on. */
export class LatestSource<T> extends BrokerSource<T, ReceivedMessage> {
  protected readonly link: LinkName;
  protected readonly leastRoom = 1;
  readonly #concurrency: number;

  constructor(context: SourceContext<T>, concurrency: number) {
    super(context);
    this.link = { topic: context.topic.name, group: context.group, qos: QoS.REALTIME };
    this.#concurrency = concurrency;
  }

  protected get room(): number {
    return this.#concurrency - this.taken;
  }

  protected declare(): Promise<void> {
    const { broker, topic, group } = this.context;
    return broker.declare({ topic: topic.name, readers: [group] });
  }

  protected async take(_room: number, signal: AbortSignal): Promise<void> {
    const { broker, topic, group, consumer } = this.context;
    const message = await broker.popLatest(topic.name, { reader: group, consumer, waitMs: popWaitMs, signal });
    if (message) await this.emit(message);
  }

  protected unreadable(_message: ReceivedMessage, error: unknown): void {
    this.#dropped(error);
  }

  protected settled(_message: ReceivedMessage, { failed, commit }: Settlement): void {
    if (failed) this.#dropped(failed.error);
    if (!commit) return;
    // The place of this delivery is free when its outputs are published: a slow broker slows the source.
    this.settling();
    commit.join({
      cut: this.cut.signal,
      onOutcome: (outcome) => {
        if (typeof outcome === 'object') this.#dropped(outcome.refused);
        this.settledAtBroker();
      },
    });
  }

  #dropped(error: unknown): void {
    observerOf(this.context.broker)?.failed(this.link, error, 'dropped');
  }

  protected handBack(): Promise<void> {
    return Promise.resolve();
  }
}
