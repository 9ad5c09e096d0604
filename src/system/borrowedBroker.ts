import type {
  AckResult,
  Broker,
  Commit,
  CommitResult,
  DeadLetter,
  DeadLetterOptions,
  DeliveredMessage,
  Failure,
  GroupConsumer,
  LatestMessage,
  MessageRange,
  PopLatestRequest,
  PopRequest,
  PushReceipt,
  RangeRequest,
  ResetOptions,
  SweepOptions,
  SweepResult,
  Ticket,
  TopicDeclaration,
  TopicStats,
  WaitOptions,
} from '../brokers/broker.js';
import { brokerClosed } from '../brokers/options.js';
import type { OutgoingMessage } from '../message.js';

interface OpenDelivery extends GroupConsumer, Ticket {
  readonly topic: string;
}

/**
 * A client of a broker object that lives in this process alone and that others use too. To close it is what the death of a
 * process is for other brokers: its waits end, and what its consumers have open is due again, each delivery counted.
 */
export class BorrowedBroker implements Broker {
  readonly kind: string;
  readonly #broker: Broker;
  /** Waits that are under way. */
  readonly #waits = new Set<AbortController>();
  readonly #open = new Map<string, OpenDelivery>();
  #closed = false;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.kind = broker.kind;
  }

  async open(): Promise<undefined> {
    this.#use();
    return Promise.resolve(undefined);
  }

  async claim(): Promise<void> {
    return this.#use().claim();
  }

  async declare(declaration: TopicDeclaration): Promise<void> {
    return this.#use().declare(declaration);
  }

  push(topic: string, message: OutgoingMessage, { signal }: WaitOptions = {}): Promise<PushReceipt> {
    return this.#waiting(signal, (either) => this.#use().push(topic, message, { signal: either }));
  }

  async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const { group, consumer } = request;
    const messages = await this.#waiting(request.signal, (signal) => this.#use().pop(topic, { ...request, signal }));
    if (this.#closed) {
      // They came as this client was being closed: nobody will see them.
      await this.#broker.release(
        topic,
        request,
        messages.map(({ seq }) => seq),
      );
      throw brokerClosed(this.kind);
    }
    for (const { seq, token } of messages) this.#open.set(`${topic} ${group} ${seq}`, { topic, group, consumer, seq, token });
    return messages;
  }

  popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined> {
    return this.#waiting(request.signal, (signal) => this.#use().popLatest(topic, { ...request, signal }));
  }

  letGo(topic: string, reader: string, seqs: readonly number[], abandoned?: boolean): void {
    this.#broker.letGo?.(topic, reader, seqs, abandoned);
  }

  async range(topic: string, request?: RangeRequest): Promise<MessageRange> {
    return this.#use().range(topic, request);
  }

  async ack(topic: string, consumer: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    const result = await this.#use().ack(topic, consumer, tickets);
    this.#settled(topic, consumer.group, tickets);
    return result;
  }

  async commit(commit: Commit, { signal }: WaitOptions = {}): Promise<CommitResult> {
    const result = await this.#waiting(signal, (either) => this.#use().commit(commit, { signal: either }));
    if (result.committed) for (const { topic, group, tickets } of commit.acks) this.#settled(topic, group, tickets);
    return result;
  }

  async nack(topic: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    const result = await this.#use().nack(topic, consumer, ticket, failure);
    this.#settled(topic, consumer.group, [ticket]);
    return result;
  }

  async release(topic: string, consumer: GroupConsumer, seqs?: readonly number[]): Promise<void> {
    return this.#use().release(topic, consumer, seqs);
  }

  async deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]> {
    return this.#use().deadLetters(topic, options);
  }

  async redrive(topic: string, letters: readonly number[]): Promise<number> {
    return this.#use().redrive(topic, letters);
  }

  async dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    return this.#use().dropDeadLetters(topic, letters);
  }

  async dropGroup(topic: string, group: string): Promise<number> {
    return this.#use().dropGroup(topic, group);
  }

  async dropReader(topic: string, reader: string): Promise<void> {
    return this.#use().dropReader(topic, reader);
  }

  async reset(options?: ResetOptions): Promise<void> {
    return this.#use().reset(options);
  }

  async stats(): Promise<TopicStats[]> {
    return this.#use().stats();
  }

  async sweep(options?: SweepOptions): Promise<SweepResult> {
    return this.#use().sweep(options);
  }

  /** The broker itself stays open. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wait of this.#waits) wait.abort(brokerClosed(this.kind));
    const left = [...this.#open.values()];
    this.#open.clear();
    // What is not the consumer's any more is refused by its ticket.
    for (const { topic, group, consumer, seq, token } of left)
      await this.#broker.nack(topic, { group, consumer }, { seq, token }, { error: 'its consumer ended', retryAfterMs: 0 });
  }

  #use(): Broker {
    if (this.#closed) throw brokerClosed(this.kind);
    return this.#broker;
  }

  #settled(topic: string, group: string, tickets: readonly Ticket[]): void {
    for (const { seq } of tickets) this.#open.delete(`${topic} ${group} ${seq}`);
  }

  /** Waits until the caller's signal is aborted or this client is closed. */
  async #waiting<R>(signal: AbortSignal | undefined, work: (either: AbortSignal) => Promise<R>): Promise<R> {
    const wait = new AbortController();
    const abort = (): void => {
      wait.abort(signal?.reason);
    };
    this.#waits.add(wait);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    try {
      return await work(wait.signal);
    } finally {
      this.#waits.delete(wait);
      signal?.removeEventListener('abort', abort);
    }
  }
}
