import type { Subscriber } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import type { ReceivedMessage } from '../message.js';
import { validate } from '../topic.js';
import type { Topic } from '../topic.js';
import type { PayloadMode } from './fromBroker.js';
import type { Feed, Settlement } from './delivery.js';
import { DeliveryWindow } from './deliveryWindow.js';
import { observerOf, runtime } from './runtime.js';
import type { LinkName } from './runtime.js';

/** How long one request waits for messages; the loop then looks again whether it is still wanted. */
export const popWaitMs = 10_000;

/** How long commits may still take when a subscription has ended; a topic that is full is not waited for longer. */
const lastCommitsMs = 1_000;

/** Stands in what a pipeline should not look at any more. */
const poison = 0xdb;

/** One subscription of `fromBroker`. */
export interface SourceContext<T> {
  readonly broker: Broker;
  readonly topic: Topic<T>;
  readonly group: string;
  readonly consumer: string;
  readonly payload: PayloadMode;
  /** Aborted: take no more, and complete when what is open has settled. */
  readonly stop: AbortSignal | undefined;
  readonly output: Subscriber<T>;
  /** The operators that the deliveries go to. */
  readonly below: readonly Feed[];
}

/** What both sides of `fromBroker` share: the loop, the reading of messages, and the end. */
export abstract class BrokerSource<T, M extends ReceivedMessage> {
  protected readonly context: SourceContext<T>;
  protected readonly window = new DeliveryWindow((change) => observerOf(this.context.broker)?.parked?.(this.link, change));
  /** Aborted at the end: what fails to reach the broker is not tried again. */
  protected readonly closing = new AbortController();
  /** Aborted soon after: commits that still wait are handed back. */
  protected readonly cut = new AbortController();
  /** Copies to overwrite, by their positions. */
  readonly #poisoned = new Map<number, Uint8Array>();
  /** Settled by the pipeline, but not yet at the broker. */
  #settling = 0;
  /** Ends the request for messages that is under way. */
  #request = new AbortController();
  /** Takes nothing, as the node is paused. */
  #held = false;
  /** When the last messages came, in milliseconds since the epoch. */
  protected received = 0;

  constructor(context: SourceContext<T>) {
    this.context = context;
  }

  protected abstract readonly link: LinkName;
  protected abstract declare(): Promise<void>;
  /** Whether the broker may give payloads in place. */
  protected get inPlace(): boolean {
    return this.context.payload === 'view';
  }

  /** How many more messages may be taken. */
  protected abstract get room(): number;
  /** The least room that is worth a request. */
  protected abstract readonly leastRoom: number;
  /** Takes up to `room` messages and emits them. */
  protected abstract take(room: number, signal: AbortSignal): Promise<void>;
  /** A message that can't be read, or does not fit the schema. */
  protected abstract unreadable(message: M, error: unknown): void;
  protected abstract settled(message: M, settlement: Settlement): void;
  /** Hands back what is left when the subscription has ended. */
  protected abstract handBack(): Promise<void>;

  /** It goes on after a pause. */
  protected resumed(): void {
    // Nothing to do for most.
  }

  /** Deliveries that are worked on, or on their way to the broker; the latter bound what a slow broker can pile up. */
  protected get taken(): number {
    return this.window.working + this.#settling;
  }

  /** The bytes of a message are not needed any more: what it led to is published. */
  protected over(seq: number): void {
    this.#poisoned.get(seq)?.fill(poison);
    this.#poisoned.delete(seq);
  }

  protected settling(): void {
    this.#settling++;
  }

  protected settledAtBroker(count = 1): void {
    this.#settling -= count;
    this.window.wake();
  }

  /** Runs until the output is unsubscribed, or `stop` is aborted and what was open has settled. Never rejects. */
  async run(): Promise<void> {
    const { output, stop } = this.context;
    const interrupt = (): void => {
      this.#request.abort();
      this.window.wake();
    };
    output.add(interrupt);
    stop?.addEventListener('abort', interrupt);
    const leaveGate = runtime.gates.get(this.context.broker)?.join({
      idle: () => this.#held && this.taken === 0,
      changed: () => {
        interrupt();
        this.#request = new AbortController();
      },
    });
    try {
      await this.declare();
      await this.#takeWhileWanted();
      if (!output.closed) await this.#drain();
    } catch (error) {
      output.error(error);
    } finally {
      stop?.removeEventListener('abort', interrupt);
      leaveGate?.();
    }
    this.closing.abort();
    const timer = setTimeout(() => this.cut.abort(), lastCommitsMs);
    await this.window.until(() => this.#settling === 0);
    clearTimeout(timer);
    this.cut.abort();
    await this.handBack();
  }

  async #takeWhileWanted(): Promise<void> {
    const { broker, output, stop } = this.context;
    const gate = runtime.gates.get(broker);
    const paused = (): boolean => gate?.paused === true;
    const unwanted = (): boolean => output.closed || stop?.aborted === true;
    while (!unwanted()) {
      if (paused()) {
        this.#held = true;
        await this.window.until(() => {
          gate?.check();
          return unwanted() || !paused();
        });
        this.#held = false;
        this.resumed();
      } else if (this.room < this.leastRoom) await this.window.until(() => unwanted() || paused() || this.room >= this.leastRoom);
      else await this.take(this.room, this.#request.signal);
    }
  }

  async #drain(): Promise<void> {
    const { output, below } = this.context;
    await this.window.until(() => output.closed || this.window.working === 0);
    if (output.closed) return;
    // A completed output no longer hears that the rest of the pipeline is unsubscribed.
    for (const feed of below) feed.output.add(() => this.window.wake());
    // Batches that were waiting for more input come out now, and settle.
    output.complete();
    await this.window.until(() => this.window.open === 0 || below.every((feed) => feed.output.closed));
    // What settled well is not cut short: a full topic is waited for.
    if (this.window.open === 0) await this.window.until(() => this.#settling === 0);
  }

  /** Hands one message to the pipeline. */
  protected async emit(message: M): Promise<void> {
    const { broker, topic, output } = this.context;
    let value: T;
    // Of its own: others may have the broker's bytes.
    const poisoned = this.context.payload === 'poison' ? Uint8Array.from(message.payload) : undefined;
    try {
      value = decodeValue(poisoned ? { ...message, payload: poisoned } : message) as T;
      if (topic.schema) value = await validate(topic, value);
    } catch (error) {
      this.unreadable(message, error);
      return;
    }
    // Unsubscribed meanwhile: nobody would see the value.
    if (output.closed) return;
    const observer = observerOf(broker);
    const started = Date.now();
    observer?.delivered(this.link, Math.max(0, started - message.time));
    if (poisoned) this.#poisoned.set(message.seq, poisoned);
    const watch = observer?.begins?.({ link: this.link, message, received: this.received, started });
    const onSettled = (settlement: Settlement): void => {
      watch?.ended(settlement.failed);
      this.settled(message, settlement);
    };
    const emit = (): void => output.next(value);
    this.window.deliver({ id: message.id, traceparent: watch?.traceparent, commitsTo: broker, onSettled }, () => {
      if (watch?.run) watch.run(emit);
      else emit();
    });
  }
}
