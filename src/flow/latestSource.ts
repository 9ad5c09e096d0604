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
  /** Taken, and still looked at. */
  readonly #open = new Set<number>();

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
    const message = await broker.popLatest(topic.name, { reader: group, consumer, waitMs: popWaitMs, inPlace: this.inPlace, signal });
    if (!message) return;
    this.#open.add(message.seq);
    await this.emit(message);
    // Where there is always a newer message and the pipeline is synchronous, timers and signals would never have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  protected unreadable({ seq }: ReceivedMessage, error: unknown): void {
    this.#dropped(error);
    this.#letGo([seq]);
  }

  protected settled({ seq }: ReceivedMessage, { failed, commit }: Settlement): void {
    if (failed) this.#dropped(failed.error);
    if (!commit) {
      this.#letGo([seq]);
      return;
    }
    // The place of this delivery is free when its outputs are published: a slow broker slows the source.
    this.settling();
    commit.join({
      cut: this.cut.signal,
      onOutcome: (outcome) => {
        if (typeof outcome === 'object') this.#dropped(outcome.refused);
        // What was published may have been the same bytes.
        this.#letGo([seq]);
        this.settledAtBroker();
      },
    });
  }

  #dropped(error: unknown): void {
    observerOf(this.context.broker)?.failed(this.link, error, 'dropped');
  }

  protected handBack(): Promise<void> {
    this.#letGo([...this.#open]);
    return Promise.resolve();
  }

  #letGo(seqs: readonly number[]): void {
    const { broker, topic, group } = this.context;
    for (const seq of seqs) {
      this.#open.delete(seq);
      this.over(seq);
    }
    if (this.inPlace) broker.letGo?.(topic.name, group, seqs);
  }
}
