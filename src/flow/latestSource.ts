import type { LatestMessage } from '../brokers/broker.js';
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
  /** Since when this consumer has waited for a message, in milliseconds since the epoch; undefined before its first. */
  #idleSince: number | undefined;
  /** Whether it has been at work since it began, or went on after a pause. */
  #worked = false;

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
    if (this.#worked) this.#idleSince ??= Date.now();
    const message = await broker.popLatest(topic.name, { reader: group, consumer, waitMs: popWaitMs, inPlace: this.inPlace, signal });
    if (!message) return;
    this.received = Date.now();
    this.#countSkips(message);
    this.#worked = true;
    this.#idleSince = undefined;
    this.#open.add(message.seq);
    await this.emit(message);
    // Where there is always a newer message and the pipeline is synchronous, timers and signals would never have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What was there when this consumer became free came while it was at work; it waited for anything later. */
  #countSkips({ seq, time, skipped = 0, gone = 0 }: LatestMessage): void {
    const observer = observerOf(this.context.broker);
    if (gone > 0) observer?.skipped?.(this.link, gone, 'gone', undefined);
    if (skipped > 0)
      observer?.skipped?.(this.link, skipped, this.#idleSince !== undefined && time <= this.#idleSince ? 'busy' : 'stale', seq);
  }

  protected override resumed(): void {
    this.#worked = false;
    this.#idleSince = undefined;
  }

  protected unreadable({ id, seq }: ReceivedMessage, error: unknown): void {
    this.#dropped(id, error);
    this.#letGo([seq]);
  }

  protected settled({ id, seq }: ReceivedMessage, { failed, expired, commit }: Settlement): void {
    if (failed) this.#dropped(id, failed.error);
    if (expired) observerOf(this.context.broker)?.skipped?.(this.link, 1, 'expired', seq + 1);
    if (!commit) {
      this.#letGo([seq]);
      return;
    }
    // The place of this delivery is free when its outputs are published: a slow broker slows the source.
    this.settling();
    commit.join({
      cut: this.cut.signal,
      onOutcome: (outcome) => {
        if (typeof outcome === 'object') this.#dropped(id, outcome.refused);
        // What was published may have been the same bytes.
        this.#letGo([seq]);
        this.settledAtBroker();
      },
    });
  }

  #dropped(id: string, error: unknown): void {
    observerOf(this.context.broker)?.failed(this.link, error, 'dropped', id);
  }

  protected handBack(): Promise<void> {
    void this.#letGoOfTheRest();
    return Promise.resolve();
  }

  /** Behind a `takeUntil` the work on what is open goes on. A pipeline that was unsubscribed was told to end it, and does in time. */
  async #letGoOfTheRest(): Promise<void> {
    const { below } = this.context;
    for (const feed of below) feed.output.add(() => this.window.wake());
    await this.window.until(() => this.#open.size === 0 || below.every((feed) => feed.output.closed));
    this.#letGo([...this.#open], true);
  }

  #letGo(seqs: readonly number[], abandoned = false): void {
    const { broker, topic, group } = this.context;
    for (const seq of seqs) {
      this.#open.delete(seq);
      this.over(seq);
    }
    if (this.inPlace) broker.letGo?.(topic.name, group, seqs, abandoned);
  }
}
