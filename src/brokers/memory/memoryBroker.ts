import { longestTimerMs } from '../../longTimer.js';
import type { OutgoingMessage } from '../../message.js';
import { checkName } from '../../topic.js';
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
  SweepResult,
  Ticket,
  TopicDeclaration,
  TopicStats,
  WaitOptions,
} from '../broker.js';
import { onAbort } from '../onAbort.js';
import {
  brokerClosed,
  checkDeclaration,
  checkFailure,
  checkMessage,
  checkTake,
  defaultDedupeWindow,
  topicFull,
  topicUndeclared,
} from '../options.js';
import type { CommonBrokerOptions } from '../options.js';
import { overdueTurn } from '../overdueTurn.js';
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
 * interval(100).pipe(toBroker('ticks', { broker })).subscribe();
 * fromBroker('ticks', QoS.DURABLE, { broker, group: 'log' }).subscribe(console.log);
 * ```
 */
export class MemoryBroker implements Broker {
  readonly kind = 'memory';
  readonly #dedupeWindow: number;
  readonly #now: () => number;
  readonly #topics = new Map<string, TopicLog>();
  readonly #waiting = new Set<() => void>();
  /** The last commit to each topic. */
  readonly #commits = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor({ dedupeWindow = defaultDedupeWindow, now = () => performance.now() }: MemoryBrokerOptions = {}) {
    this.#dedupeWindow = dedupeWindow;
    this.#now = now;
  }

  async open(): Promise<undefined> {
    this.#checkOpen();
    return Promise.resolve(undefined);
  }

  async claim(): Promise<void> {
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
    while (log.full && !log.knows(message.id)) {
      if (log.onFull === 'reject') throw topicFull(topic, log.maxBytes);
      signal?.throwIfAborted();
      await this.#change(Infinity, signal);
      this.#checkOpen();
    }
    const receipt = log.push(ownCopy(message), Date.now());
    this.#wake();
    const turn = overdueTurn();
    if (turn) await turn;
    return receipt;
  }

  async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const { group, consumer, count, waitMs, strict = false, signal } = request;
    checkName('consumer', consumer);
    checkTake(topic, request);
    const turn = overdueTurn();
    if (turn) await turn;
    const end = this.#now() + waitMs;
    for (;;) {
      this.#checkOpen();
      const log = this.#grouped(topic, group);
      const now = this.#now();
      const taken = log.pop(group, consumer, count, strict, now);
      if (taken.length > 0 || now >= end || signal?.aborted) return taken;
      await this.#change(Math.min(end, log.nextDue(group)) - now, signal);
    }
  }

  async popLatest(topic: string, { reader, waitMs, signal }: PopLatestRequest): Promise<LatestMessage | undefined> {
    checkTake(topic, { waitMs });
    const turn = overdueTurn();
    if (turn) await turn;
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

  range(topic: string, request?: RangeRequest): Promise<MessageRange> {
    return this.#step(topic, (log) => log.range(request));
  }

  ack(topic: string, { group, consumer }: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    return this.#step(topic, (log) => ({ fenced: tickets.filter((ticket) => !log.ack(group, consumer, ticket)) }));
  }

  async nack(topic: string, { group, consumer }: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    checkFailure(topic, failure);
    return this.#step(topic, (log) => log.nack(group, consumer, ticket, failure, this.#now(), Date.now()));
  }

  release(topic: string, { group, consumer }: GroupConsumer, seqs?: readonly number[]): Promise<void> {
    return this.#step(topic, (log) => {
      log.release(group, consumer, seqs);
    });
  }

  commit(commit: Commit, { signal }: WaitOptions = {}): Promise<CommitResult> {
    // One after the other where they publish to the same topic: a commit that waits for room holds up those behind it, or
    // their order would be lost. Those to other topics may be what makes the room.
    const topics = commit.messages.map(({ topic }) => topic);
    const result = Promise.all(topics.flatMap((topic) => this.#commits.get(topic) ?? [])).then(() => this.#commit(commit, signal));
    const ended = result.catch(() => undefined);
    for (const topic of topics) this.#commits.set(topic, ended);
    return result;
  }

  async #commit({ acks, messages }: Commit, signal: AbortSignal | undefined): Promise<CommitResult> {
    for (const { topic, message } of messages) {
      checkName('topic', topic);
      checkMessage(topic, message);
    }
    for (;;) {
      this.#checkOpen();
      const fenced = acks.flatMap(({ topic, group, consumer, tickets }) =>
        tickets
          .filter((ticket) => !this.#grouped(topic, group).owns(group, consumer, ticket))
          .map(({ seq, token }) => ({ seq, token, topic })),
      );
      if (fenced.length > 0) return { committed: false, fenced };
      // An id that is known adds nothing, and needs no room.
      const full = messages
        .filter(({ topic, message }) => !this.#topic(topic).knows(message.id))
        .map(({ topic }) => this.#topic(topic))
        .find((log) => log.full);
      if (!full) break;
      if (full.onFull === 'reject') throw topicFull(full.name, full.maxBytes);
      signal?.throwIfAborted();
      await this.#change(Infinity, signal);
    }
    for (const { topic, message } of messages) this.#topic(topic).push(ownCopy(message), Date.now());
    for (const { topic, group, consumer, tickets } of acks)
      for (const ticket of tickets) this.#declared(topic).ack(group, consumer, ticket);
    this.#wake();
    const turn = overdueTurn();
    if (turn) await turn;
    return { committed: true, fenced: [] };
  }

  deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]> {
    return this.#step(topic, (log) => log.deadLetters(options));
  }

  redrive(topic: string, letters: readonly number[]): Promise<number> {
    return this.#step(topic, (log) => log.redrive(letters));
  }

  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    return this.#step(topic, (log) => log.dropDeadLetters(letters));
  }

  async dropGroup(topic: string, group: string): Promise<number> {
    this.#checkOpen();
    this.#grouped(topic, group);
    return this.#step(topic, (log) => log.dropGroup(group));
  }

  dropReader(topic: string, reader: string): Promise<void> {
    return this.#step(topic, (log) => {
      log.dropReader(reader);
    });
  }

  async reset(): Promise<void> {
    this.#checkOpen();
    this.#topics.clear();
    this.#wake();
    return Promise.resolve();
  }

  async stats(): Promise<TopicStats[]> {
    this.#checkOpen();
    return Promise.resolve([...this.#topics.values()].map((log) => log.stats()));
  }

  async sweep(): Promise<SweepResult> {
    this.#checkOpen();
    for (const log of this.#topics.values()) log.trim(Date.now());
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

  #grouped(topic: string, group: string): TopicLog {
    const log = this.#declared(topic);
    if (!log.hasGroup(group)) throw topicUndeclared(topic, `group '${group}'`);
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
        forget();
        resolve();
      };
      // Who waits longer looks again in between.
      const timer = ms === Infinity ? undefined : setTimeout(done, Math.min(Math.max(0, ms), longestTimerMs));
      const forget = onAbort(signal, done);
      this.#waiting.add(done);
    });
  }
}

/** The log keeps the message; the caller may reuse its buffers. */
function ownCopy(message: OutgoingMessage): OutgoingMessage {
  return { ...message, meta: message.meta.slice(), payload: message.payload.slice() };
}
