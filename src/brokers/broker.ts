import type { OutgoingMessage, ReceivedMessage } from '../message.js';

/**
 * The contract of a broker. Four implementations keep it, and `brokerConformance` from `edgeflow/testing` checks it.
 *
 * A topic is one numbered log. A *group* is the DURABLE subscription of one consuming node: its consumers compete, and
 * each message stays until one of them has acked it. A *reader* is the REALTIME subscription of one consuming node: a
 * cursor that jumps to the newest message and counts what it passed over.
 *
 * A broker object connects by itself when it is first used; `close()` is idempotent. All methods reject with
 * `BROKER_CLOSED` afterwards. Waits end early, without an error, when their signal is aborted.
 */
export interface Broker {
  /** Short name of the implementation, for logs. */
  readonly kind: string;

  /**
   * Connects, and starts what the broker owns (such as its own Redis servers).
   *
   * @returns plain data from which {@link connectBroker} makes an equal client in another process; undefined for a
   * broker that lives in one process only.
   * @throws EdgeFlowError `BROKER_UNREACHABLE`, `BROKER_AUTH`, `BROKER_MISSING_DEPENDENCY`, `BROKER_CONFIG`
   */
  open(): Promise<BrokerConfig | undefined>;

  /**
   * Makes this client the main process of the store, the only one that may reset it, until it closes or dies.
   *
   * @throws EdgeFlowError `BROKER_IN_USE` while another one lives.
   */
  claim(): Promise<void>;

  /**
   * Makes a topic with its groups and readers known. Adds to what was declared before; a new group begins with the
   * next message, a new reader may take the newest message that is still stored.
   */
  declare(declaration: TopicDeclaration): Promise<void>;

  /**
   * Publishes. Calls of one broker object keep their order, and may be issued without waiting for each other. When the
   * promise resolves, every group that was declared will get the message, whatever is killed.
   *
   * While the topic's stored bytes are at `maxBytes`, the push waits, or rejects where the topic says so; it never drops.
   *
   * @throws EdgeFlowError `BROKER_FULL`, `MESSAGE_TOO_LARGE`, `BROKER_UNREACHABLE`
   */
  push(topic: string, message: OutgoingMessage, options?: WaitOptions): Promise<PushReceipt>;

  /**
   * Takes up to `count` messages of a group for one consumer, in order of publication, messages that are due for
   * redelivery first; waits up to `waitMs` for the first one. The messages belong to the consumer until it acks, nacks
   * or releases them, or is found dead: no sign of life for the visibility time.
   *
   * The first `pop` of a consumer in a process takes back what an earlier process of the same name had open.
   */
  pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]>;

  /**
   * Takes the newest message for a reader, if the reader has not had it; waits up to `waitMs` for one. Each message
   * goes to at most one consumer of the reader; `seq` strictly increases over all of them, across restarts.
   *
   * @returns undefined when nothing newer came in time.
   */
  popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined>;

  /**
   * Says that messages which {@link popLatest} gave in place are not looked at any more. A broker that gives copies has no
   * such method.
   *
   * @param abandoned - nobody needs them, but work on them that was broken off may not have ended yet: a broker that can do
   * without their memory does not write to it again. False where nothing is said.
   */
  letGo?(topic: string, reader: string, seqs: readonly number[], abandoned?: boolean): void;

  /**
   * Reads what a topic stores at this moment, in order of publication and page by page, whoever else needs it or not:
   * nothing is taken or counted. What goes while it is read, and what is damaged, is passed over.
   *
   * @throws EdgeFlowError `TOPIC_UNDECLARED`, `BROKER_UNREACHABLE`
   */
  range(topic: string, request?: RangeRequest): Promise<MessageRange>;

  /**
   * Settles messages for good. A ticket that is no longer the consumer's (it was taken for dead and the message went to
   * another) is fenced: not acked, and named in the result.
   */
  ack(topic: string, consumer: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult>;

  /**
   * Settles messages and publishes what they led to, in one step: all of it happens or, where a ticket is fenced, nothing.
   * So a node between two topics publishes once for each message that it takes, whatever is killed. Calls of one broker
   * object that publish to the same topic keep their order, and may be issued without waiting for each other. Calls that
   * publish to other topics do not wait for them: they may be what makes the room.
   *
   * Waits, or rejects, where a topic that it publishes to is full, as `push` does; nothing is settled then.
   *
   * @throws EdgeFlowError `BROKER_FULL`, `MESSAGE_TOO_LARGE`, `TOPIC_UNDECLARED`, `BROKER_UNREACHABLE`
   */
  commit(commit: Commit, options?: WaitOptions): Promise<CommitResult>;

  /**
   * Gives a failed message back: due again after `retryAfterMs`, or, without that, into the dead letters of the topic.
   *
   * @returns false when the ticket was fenced.
   * @throws EdgeFlowError `BROKER_CONFIG` for a `retryAfterMs` that is not 0 or more.
   */
  nack(topic: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean>;

  /**
   * Hands back at once what the consumer has open or, with `seqs`, these alone. They are redelivered in order, and the
   * delivery that was handed back is not counted as an attempt.
   */
  release(topic: string, consumer: GroupConsumer, seqs?: readonly number[]): Promise<void>;

  /** Dead letters of a topic, oldest first. */
  deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]>;

  /**
   * Gives dead letters back to their groups: each is due at once, at its old position, with its attempts counted anew.
   *
   * @param letters - numbers of the letters; those that are not there are passed over.
   * @returns how many were given back.
   */
  redrive(topic: string, letters: readonly number[]): Promise<number>;

  /**
   * Deletes dead letters for good. Their groups still count them as dead.
   *
   * @returns how many there were.
   */
  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number>;

  /**
   * Forgets a group, and frees what only it needed. Nothing else ends a group: one that nobody reads holds its messages
   * until then.
   *
   * @returns how many of its messages were not settled.
   */
  dropGroup(topic: string, group: string): Promise<number>;

  /** Forgets a reader, and frees what only it needed. One that is not there is no error. */
  dropReader(topic: string, reader: string): Promise<void>;

  /**
   * Deletes everything: topics, groups, messages, dead letters. Called once, by the main process, before workers start.
   *
   * @throws EdgeFlowError `BROKER_NOT_DEDICATED` when the store holds what is not EdgeFlow's (unless `namespace`).
   */
  reset(options?: ResetOptions): Promise<void>;

  /** Counts of every topic, exact at one moment per topic. */
  stats(): Promise<TopicStats[]>;

  /** Removes payloads that no message refers to: left by producers that were killed between the two planes. */
  sweep(options?: SweepOptions): Promise<SweepResult>;

  /** Lets go of the store, or ends the connections; calls after it reject with `BROKER_CLOSED`. Idempotent. */
  close(): Promise<void>;
}

/** Plain data that names a broker; carries no live object. Holds secrets: never log it, never put it on a command line. */
export interface BrokerConfig {
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What every waiting call takes. */
export interface WaitOptions {
  /** Ends a wait. The call then rejects with the signal's reason where it can't return an empty result. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a push does while the topic is full: it waits, is rejected with `BROKER_FULL`, or takes the place of older
 * messages. The last is for topics that no group reads.
 */
export type OnFull = 'wait' | 'reject' | 'replace';

/** A topic with those who read it, as {@link Broker.declare} takes it. Declaring again adds what is new. */
export interface TopicDeclaration {
  readonly topic: string;
  /** DURABLE subscriptions. */
  readonly groups?: readonly string[];
  /** REALTIME subscriptions. */
  readonly readers?: readonly string[];
  /** Bound of the stored bytes, meta and payload. @defaultValue 256 MiB */
  readonly maxBytes?: number | undefined;
  /** @defaultValue 'wait' */
  readonly onFull?: OnFull | undefined;
  /** What is kept of messages that nobody needs any more. @defaultValue nothing, or what was declared before */
  readonly retain?: Retention | undefined;
}

/**
 * For how long, or up to how many bytes, a topic keeps messages that no group needs and that are not among the newest: for
 * `range`. Whichever is reached first ends it, for the oldest first. They count for `maxBytes`, and give way to what is published.
 */
export interface Retention {
  /** From a message's own time on; trimmed by later publishes and by sweeps. @defaultValue no limit */
  readonly seconds?: number | undefined;
  /** Bytes of these messages, meta and payload; 0 keeps none. @defaultValue half of `maxBytes` */
  readonly bytes?: number | undefined;
}

/** What became of a push. */
export interface PushReceipt {
  /** Position that the message got, or had got when it was published before. */
  readonly seq: number;
  /** Whether the id had been published before; then nothing was added. */
  readonly duplicate: boolean;
}

/**
 * A consumer of a group. Its name is stable across restarts of its process, and belongs to one process at a time: brokers need not
 * tell apart what two of them have.
 */
export interface GroupConsumer {
  readonly group: string;
  readonly consumer: string;
}

export interface PopRequest extends GroupConsumer, WaitOptions {
  /** The most messages to take. */
  readonly count: number;
  /** How long to wait for the first message, in milliseconds; 0 returns at once. */
  readonly waitMs: number;
  /**
   * Strict order: nothing newer is handed out while an older message of the group is open or waits for its retry.
   * @defaultValue false
   */
  readonly strict?: boolean;
  /**
   * Gives payloads as they lie in the broker's memory where it can: to be read until the message is settled, and not to be
   * written to. Saves a copy of each.
   * @defaultValue false
   */
  readonly inPlace?: boolean;
}

/** What {@link Broker.popLatest} takes. */
export interface PopLatestRequest extends WaitOptions {
  readonly reader: string;
  /** Name of this consumer, stable across restarts. */
  readonly consumer: string;
  readonly waitMs: number;
  /**
   * Gives the payload as it lies in the broker's memory where it can: to be read until {@link Broker.letGo}, and not to be
   * written to. Saves a copy.
   * @defaultValue false
   */
  readonly inPlace?: boolean;
}

/** Which messages {@link Broker.range} reads. */
export interface RangeRequest {
  /** Only those behind this position. @defaultValue 0 */
  readonly after?: number | undefined;
  /** Only those made then or later, in milliseconds since the epoch. @defaultValue no bound */
  readonly from?: number | undefined;
  /** Only those made then or earlier, in milliseconds since the epoch. @defaultValue no bound */
  readonly to?: number | undefined;
  /** Most messages of one page. @defaultValue 256 */
  readonly limit?: number | undefined;
  /** Most bytes of one page, but for a single larger message. @defaultValue 16 MiB */
  readonly maxBytes?: number | undefined;
}

/** A page of what a topic stores. */
export interface MessageRange {
  /** May be none, though there are more. */
  readonly messages: readonly ReceivedMessage[];
  /** `after` of the next page; undefined when there was nothing more. */
  readonly next: number | undefined;
  /** Whether the topic retains messages that nobody needs. */
  readonly retains: boolean;
}

/** What a consumer shows to settle a delivery. */
export interface Ticket {
  readonly seq: number;
  /** Names this delivery of the message; another at each. */
  readonly token: number;
}

/** A message of a group, with the ticket that settles it. */
export interface DeliveredMessage extends ReceivedMessage, Ticket {
  /** How often the message was delivered to the group, 1 at first. What was handed back by `release` does not count. */
  readonly attempt: number;
}

/** A message of a reader, and what was passed over on the way to it: where that is not told, it is counted all the same. */
export interface LatestMessage extends ReceivedMessage {
  /** Messages right before it that this take passed over. */
  readonly skipped?: number;
  /** Newer ones than the last message that were not to be had: their payload was gone. Not among `skipped`. */
  readonly gone?: number;
}

/** What became of an ack. */
export interface AckResult {
  /** Tickets that were not the consumer's any more. */
  readonly fenced: readonly Ticket[];
}

/** What {@link Broker.commit} does in one step. */
export interface Commit {
  readonly acks: readonly Acknowledgement[];
  readonly messages: readonly Publication[];
}

/** Tickets of one consumer. */
export interface Acknowledgement extends GroupConsumer {
  readonly topic: string;
  readonly tickets: readonly Ticket[];
}

/** A message and where it is to be published. */
export interface Publication {
  readonly topic: string;
  readonly message: OutgoingMessage;
}

/** What became of a commit. */
export interface CommitResult {
  /** Whether it happened. */
  readonly committed: boolean;
  /** Tickets that were not the consumer's any more; empty when it happened. */
  readonly fenced: readonly (Ticket & { readonly topic: string })[];
}

/** Why a delivery failed, and when it is tried again. */
export interface Failure {
  /** Text of the error. */
  readonly error: string;
  /** Where it was thrown, for people. */
  readonly stack?: string | undefined;
  /** Delay until the next attempt; undefined sends the message to the dead letters. */
  readonly retryAfterMs?: number | undefined;
}

/** Which dead letters {@link Broker.deadLetters} reads. */
export interface DeadLetterOptions {
  /** Only letters with a higher number. @defaultValue 0 */
  readonly after?: number;
  /** @defaultValue no limit */
  readonly limit?: number;
}

export interface DeadLetter extends OutgoingMessage {
  /** Number of the letter among those of its topic; never given twice. */
  readonly letter: number;
  /** Position in the topic that it came from. */
  readonly seq: number;
  /** The group that could not deal with it. */
  readonly group: string;
  readonly error: string;
  /** Stack of the last error, where there was one. */
  readonly stack?: string | undefined;
  /** How often it was tried. */
  readonly attempts: number;
  /** When it failed first, in milliseconds since the epoch. */
  readonly firstTime: number;
  /** When it was given up, in milliseconds since the epoch. */
  readonly deadTime: number;
}

/** What {@link Broker.reset} deletes. */
export interface ResetOptions {
  /** `all` empties the whole store (on Redis: FLUSHALL); `namespace` deletes EdgeFlow's own keys alone. @defaultValue 'all' */
  readonly scope?: 'all' | 'namespace';
}

/** Each message of a group stands in exactly one column: `published = acked + dead + open + unread`. */
export interface GroupStats {
  /** Messages published since the group exists. */
  readonly published: number;
  readonly acked: number;
  /** Given up, and kept as dead letters. */
  readonly dead: number;
  /** With a consumer, or waiting for redelivery. */
  readonly open: number;
  /** Not handed out yet. */
  readonly unread: number;
}

/** Each message of a reader stands in exactly one column: `published = delivered + skipped + waiting`. */
export interface ReaderStats {
  /** Messages published since the reader exists. */
  readonly published: number;
  readonly delivered: number;
  /** Passed over for a newer one. */
  readonly skipped: number;
  /** Newer than the last one taken. */
  readonly waiting: number;
}

/** What a topic stores, and how far its consumers are. */
export interface TopicStats {
  readonly topic: string;
  readonly published: number;
  /** Messages that are stored. */
  readonly entries: number;
  /** Their bytes, meta and payload. */
  readonly bytes: number;
  readonly deadLetters: number;
  readonly groups: Readonly<Record<string, GroupStats>>;
  readonly readers: Readonly<Record<string, ReaderStats>>;
}

/** What {@link Broker.sweep} leaves alone. */
export interface SweepOptions {
  /** Payloads younger than this are left alone: their message may be on its way. @defaultValue 600000 */
  readonly graceMs?: number;
}

/** What a sweep removed. */
export interface SweepResult {
  /** Payloads without a message, left by publishers that were killed. */
  readonly orphans: number;
}
