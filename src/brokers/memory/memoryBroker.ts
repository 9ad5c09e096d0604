import type { OutgoingMessage, ReceivedMessage } from '../../message.js';
import { checkName } from '../../topic.js';
import type {
  AckResult,
  Broker,
  DeadLetter,
  DeliveredMessage,
  Failure,
  GroupConsumer,
  PopLatestRequest,
  PopRequest,
  PushReceipt,
  SweepResult,
  Ticket,
  TopicDeclaration,
  TopicStats,
  WaitOptions,
} from '../broker.js';
import { brokerClosed, checkDeclaration, checkMessage, defaultDedupeWindow, topicFull, topicUndeclared } from '../options.js';
import type { CommonBrokerOptions } from '../options.js';
import { TopicLog } from './topicLog.js';

/** Options of {@link MemoryBroker}. */
export interface MemoryBrokerOptions extends Pick<CommonBrokerOptions, 'dedupeWindow'> {
  /** Clock for retries, in milliseconds. @defaultValue performance.now */
  readonly now?: () => number;
}

/**
 * A broker inside one process: the executable model of the contract, for tests and for pipelines without processes.
 * Nothing outlives the process.
 *
 * @example
 * ```ts
 * const broker = new MemoryBroker();
 * interval(100).pipe(toBroker(ticks, { broker })).subscribe();
 * fromBroker(ticks, QoS.DURABLE, { broker, group: 'log' }).subscribe(console.log);
 * ```
 */
export class MemoryBroker implements Broker {
  readonly kind = 'memory';
  readonly #dedupeWindow: number;
  readonly #now: () => number;
  readonly #topics = new Map<string, TopicLog>();
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor({ dedupeWindow = defaultDedupeWindow, now = () => performance.now() }: MemoryBrokerOptions = {}) {
    this.#dedupeWindow = dedupeWindow;
    this.#now = now;
  }

  open(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  claim(): Promise<void> {
    // Whoever else has this object is in the same process and program.
    this.#checkOpen();
    return Promise.resolve();
  }

  async declare(declaration: TopicDeclaration): Promise<void> {
    this.#checkOpen();
    checkDeclaration(declaration);
    this.#topic(declaration.topic).declare(declaration);
    return Promise.resolve();
  }

  async push(topic: string, message: OutgoingMessage, { signal }: WaitOptions = {}): Promise<PushReceipt> {
    this.#checkOpen();
    checkName('topic', topic);
    checkMessage(topic, message);
    const log = this.#topic(topic);
    while (log.full) {
      if (log.onFull === 'reject') throw topicFull(topic, log.maxBytes);
      signal?.throwIfAborted();
      await this.#change(Infinity, signal);
      this.#checkOpen();
    }
    // The log keeps the message; the caller may reuse its buffers.
    const receipt = log.push({ ...message, meta: message.meta.slice(), payload: message.payload.slice() });
    this.#wake();
    return receipt;
  }

  async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const { group, consumer, count, waitMs, strict = false, signal } = request;
    checkName('consumer', consumer);
    const end = this.#now() + waitMs;
    for (;;) {
      this.#checkOpen();
      const log = this.#declared(topic);
      if (!log.hasGroup(group)) throw topicUndeclared(topic, `group '${group}'`);
      const now = this.#now();
      const taken = log.pop(group, consumer, count, strict, now);
      if (taken.length > 0 || now >= end || signal?.aborted) return taken;
      await this.#change(Math.min(end, log.nextDue(group)) - now, signal);
    }
  }

  async popLatest(topic: string, { reader, waitMs, signal }: PopLatestRequest): Promise<ReceivedMessage | undefined> {
    const end = this.#now() + waitMs;
    for (;;) {
      this.#checkOpen();
      const log = this.#declared(topic);
      if (!log.hasReader(reader)) throw topicUndeclared(topic, `reader '${reader}'`);
      const newest = log.popLatest(reader);
      const now = this.#now();
      if (newest || now >= end || signal?.aborted) return newest;
      await this.#change(end - now, signal);
    }
  }

  ack(topic: string, { group, consumer }: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    return this.#step(topic, (log) => ({ fenced: tickets.filter((ticket) => !log.ack(group, consumer, ticket)) }));
  }

  nack(topic: string, { group, consumer }: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    return this.#step(topic, (log) => log.nack(group, consumer, ticket, failure, this.#now(), Date.now()));
  }

  release(topic: string, { group, consumer }: GroupConsumer, seqs?: readonly number[]): Promise<void> {
    return this.#step(topic, (log) => {
      log.release(group, consumer, seqs);
    });
  }

  deadLetters(topic: string): Promise<DeadLetter[]> {
    return this.#step(topic, (log) => [...log.deadLetters]);
  }

  async reset(): Promise<void> {
    this.#checkOpen();
    this.#topics.clear();
    this.#wake();
    return Promise.resolve();
  }

  stats(): Promise<TopicStats[]> {
    this.#checkOpen();
    return Promise.resolve([...this.#topics.values()].map((log) => log.stats()));
  }

  sweep(): Promise<SweepResult> {
    return Promise.resolve({ orphans: 0 });
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    return Promise.resolve();
  }

  #checkOpen(): void {
    if (this.#closed) throw brokerClosed(this.kind);
  }

  #topic(name: string): TopicLog {
    let log = this.#topics.get(name);
    if (!log) this.#topics.set(name, (log = new TopicLog(name, this.#dedupeWindow)));
    return log;
  }

  #declared(name: string): TopicLog {
    const log = this.#topics.get(name);
    if (!log) throw topicUndeclared(name, 'declaration');
    return log;
  }

  /** Does one synchronous step on a topic and wakes whoever waits for its effect. */
  async #step<R>(topic: string, step: (log: TopicLog) => R): Promise<R> {
    this.#checkOpen();
    const result = step(this.#declared(topic));
    this.#wake();
    return Promise.resolve(result);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Waits for any change of the broker, at most `ms`. */
  #change(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(done, Math.max(0, ms));
      signal?.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }
}
