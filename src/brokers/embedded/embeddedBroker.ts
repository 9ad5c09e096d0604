import { setMaxListeners } from 'node:events';
import { EdgeFlowError } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import { checkName } from '../../topic.js';
import type {
  AckResult,
  Broker,
  BrokerConfig,
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
} from '../broker.js';
import {
  brokerClosed,
  brokerInUse,
  checkDeclaration,
  checkFailure,
  checkMessage,
  defaultDedupeWindow,
  defaultVisibilityMs,
} from '../options.js';
import type { CommonBrokerOptions } from '../options.js';
import { isIntact } from '../checksum.js';
import type { Change } from './change.js';
import { CommitQueue } from './commitQueue.js';
import { monotonicMs } from './clock.js';
import { defaultDirectory, foreignFiles } from './directory.js';
import type { Durability } from './directory.js';
import { withGroup, withTopic } from './declared.js';
import { GroupPops } from './groupPops.js';
import { LatestPops } from './latestPops.js';
import { claimMain, releaseMain } from './mainProcess.js';
import { OwnSession } from './ownSession.js';
import type { Client } from './ownSession.js';
import { Store } from './store.js';
import type { Lasting } from './store.js';
import type { StoredLog } from './storedLog.js';
import { sweepPayloads, trimRetained } from './sweep.js';

/** Options of {@link EmbeddedBroker}. */
export interface EmbeddedBrokerOptions extends CommonBrokerOptions {
  /** Programs that use the same name share one store. @defaultValue 'default' */
  readonly name?: string;
  /**
   * Folder of the store, used by EdgeFlow alone.
   * @defaultValue `/dev/shm/edgeflow-<uid>/<name>`, or the same in the temporary folder where there is no shared memory;
   * with `durability: 'power'`, `$XDG_STATE_HOME/edgeflow/<name>`
   */
  readonly directory?: string;
  /**
   * What a push or commit that resolved survives: `process`, the death of any process; `power`, that of the host too, at
   * the price of a wait for the disk. An ack does not wait: right before a loss of power, its message may come again.
   * @defaultValue 'process'
   */
  readonly durability?: Durability;
  /** Bound of the stored bytes of all topics together. @defaultValue 4 GiB, at most half of the file system */
  readonly maxBytes?: number;
}

/**
 * The default broker: needs no server. Messages pass between processes through two memory-mapped lmdb environments, one
 * for ids and one for payloads.
 *
 * @example
 * ```ts
 * const broker = new EmbeddedBroker({ name: 'doorbell' });
 * interval(100).pipe(toBroker('ticks', { broker })).subscribe();
 * fromBroker('ticks', QoS.REALTIME, { broker }).subscribe(console.log);
 * ```
 */
export class EmbeddedBroker implements Broker {
  readonly kind = 'embedded';
  readonly #directory: string;
  readonly #durability: Durability;
  readonly #maxBytes: number | undefined;
  readonly #joins: boolean;
  readonly #dedupeWindow: number;
  /** Pushes of each topic wait by themselves; commits may concern several. */
  readonly #pushes = new Map<string, CommitQueue>();
  readonly #closing = new AbortController();
  readonly #session: OwnSession;
  readonly #groups: GroupPops;
  readonly #readers: LatestPops;
  #store: Store | undefined;
  #commits: CommitQueue | undefined;
  #main = false;

  /**
   * @param joins - whether another process made the store: none is made where there is none.
   * @throws EdgeFlowError `TOPIC_INVALID` for an unusable name, `BROKER_CONFIG` for an unusable number
   */
  constructor(
    {
      name = 'default',
      durability = 'process',
      directory = defaultDirectory(name, durability),
      maxBytes,
      visibilityMs = defaultVisibilityMs,
      dedupeWindow = defaultDedupeWindow,
    }: EmbeddedBrokerOptions = {},
    joins = false,
  ) {
    // A wait for each topic that is read listens to it.
    setMaxListeners(0, this.#closing.signal);
    checkName('broker', name);
    checkNumber('maxBytes', maxBytes ?? 1);
    // The store keeps it as JSON, which has no Infinity.
    if (maxBytes === Infinity) throw new EdgeFlowError('BROKER_CONFIG', 'maxBytes is Infinity; expected a positive number of bytes');
    checkNumber('visibilityMs', visibilityMs);
    checkNumber('dedupeWindow', dedupeWindow);
    this.#directory = directory;
    this.#durability = durability;
    this.#maxBytes = maxBytes;
    this.#joins = joins;
    this.#dedupeWindow = Math.ceil(dedupeWindow);
    const own = { use: () => this.#use(), closing: this.#closing.signal };
    this.#session = new OwnSession(own, visibilityMs);
    const client: Client = { ...own, session: this.#session };
    this.#groups = new GroupPops(client, (...message) => this.nack(...message));
    this.#readers = new LatestPops(client);
  }

  async open(): Promise<BrokerConfig> {
    const { directory, format } = this.#use();
    const options = { directory, visibilityMs: this.#session.visibilityMs, dedupeWindow: this.#dedupeWindow };
    return Promise.resolve({ kind: this.kind, options: { ...options, durability: format.durability, maxBytes: format.maxBytes } });
  }

  async claim(): Promise<void> {
    const { directory } = this.#use();
    if (!claimMain(directory, this.#session.number)) throw brokerInUse(`the embedded store in '${directory}'`);
    this.#main = true;
    return Promise.resolve();
  }

  async declare(declaration: TopicDeclaration): Promise<void> {
    const store = this.#use();
    checkDeclaration(declaration);
    await store.change((change) => {
      change.logOrNew(declaration.topic, this.#dedupeWindow).declare(declaration);
      // A larger maxBytes lets producers go on.
      change.ring(declaration.topic, 'space');
    });
  }

  async push(topic: string, message: OutgoingMessage, { signal }: WaitOptions = {}): Promise<PushReceipt> {
    const store = this.#use();
    let queue = this.#pushes.get(topic);
    if (!queue) {
      checkName('topic', topic);
      this.#pushes.set(topic, (queue = this.#newQueue(store)));
    }
    checkMessage(topic, message);
    return queue.push(topic, message, signal);
  }

  pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    return this.#groups.pop(topic, request);
  }

  popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined> {
    return this.#readers.popLatest(topic, request);
  }

  letGo(topic: string, reader: string, seqs: readonly number[]): void {
    this.#readers.letGo(topic, reader, seqs);
  }

  async range(topic: string, request?: RangeRequest): Promise<MessageRange> {
    const store = this.#use();
    const { found, next, retains } = store.view((_, logs) => {
      const log = withTopic(logs(topic), topic);
      return { ...log.range(request), retains: log.retains };
    });
    // Nobody holds them: a payload may go, and others may be written in its place, while it is copied.
    const messages = found.flatMap(({ seq, entry }) => {
      const { id, time, meta, checksum } = entry;
      const payload = store.payloadOf(entry, false);
      return payload && isIntact({ meta, payload }, checksum) ? [{ id, time, meta, payload, seq }] : [];
    });
    return Promise.resolve({ messages, next, retains });
  }

  ack(topic: string, { group, consumer }: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    return this.#settle(
      topic,
      group,
      (log) => {
        const owner = log.consumer(group, consumer);
        return { fenced: tickets.filter((ticket) => !log.ack(group, owner, ticket)) };
      },
      'soon',
    );
  }

  async commit(commit: Commit, { signal }: WaitOptions = {}): Promise<CommitResult> {
    const store = this.#use();
    for (const { topic, message } of commit.messages) {
      checkName('topic', topic);
      checkMessage(topic, message);
    }
    this.#commits ??= this.#newQueue(store);
    return this.#commits.commit(commit, signal);
  }

  async nack(topic: string, { group, consumer }: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    checkFailure(topic, failure);
    return this.#settle(topic, group, (log, change) => {
      if (failure.retryAfterMs !== undefined) change.ring(topic, 'news');
      return log.nack(group, log.consumer(group, consumer), ticket, failure, monotonicMs(), Date.now());
    });
  }

  release(topic: string, { group, consumer }: GroupConsumer, seqs?: readonly number[]): Promise<void> {
    return this.#settle(topic, group, (log, change) => {
      change.ring(topic, 'news');
      log.release(group, log.consumer(group, consumer), seqs);
    });
  }

  async deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]> {
    const store = this.#use();
    // In a transaction, so that nobody drops a letter while its payload is read.
    return store.change((change) =>
      withTopic(change.log(topic), topic)
        .deadLetters(options)
        .map((stored) => {
          const { id, time, meta, letter, seq, group, error, stack, attempts, firstTime, deadTime } = stored;
          const payload = store.payloadOf(stored, false) ?? stored.payload;
          return { id, time, meta, payload, letter, seq, group, error, stack, attempts, firstTime, deadTime };
        }),
    );
  }

  async redrive(topic: string, letters: readonly number[]): Promise<number> {
    return this.#use().change((change) => {
      const count = withTopic(change.log(topic), topic).redrive(letters);
      if (count > 0) change.ring(topic, 'news');
      return count;
    });
  }

  async dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    return this.#use().change((change) => withTopic(change.log(topic), topic).dropDeadLetters(letters));
  }

  async dropGroup(topic: string, group: string): Promise<number> {
    return this.#use().change((change) => {
      const unsettled = withGroup(change.log(topic), topic, group).dropGroup(group);
      // Those who wait for room, and consumers of the group itself.
      change.ring(topic, 'space');
      change.ring(topic, 'news');
      return unsettled;
    });
  }

  async dropReader(topic: string, reader: string): Promise<void> {
    return this.#use().change((change) => {
      withTopic(change.log(topic), topic).dropReader(reader);
      change.ring(topic, 'space');
    });
  }

  async reset({ scope = 'all' }: ResetOptions = {}): Promise<void> {
    const store = this.#use();
    store.lookAndCheck();
    const foreign = foreignFiles(store.directory);
    if (scope === 'all' && foreign.length > 0)
      throw new EdgeFlowError(
        'BROKER_NOT_DEDICATED',
        `'${store.directory}' holds '${foreign[0]}', which is not EdgeFlow's: give the broker a folder of its own, or reset with scope 'namespace'`,
      );
    await store.change((change) => {
      for (const topic of store.topics()) {
        change.ring(topic, 'news');
        change.ring(topic, 'space');
      }
      store.clear(change);
    });
    this.#groups.clear();
    this.#readers.clear();
  }

  async stats(): Promise<TopicStats[]> {
    const store = this.#use();
    return Promise.resolve(store.view((_, log) => store.topics().flatMap((topic) => log(topic)?.stats() ?? [])));
  }

  async sweep({ graceMs = 600_000 }: SweepOptions = {}): Promise<SweepResult> {
    const store = this.#use();
    await trimRetained(store);
    return { orphans: await sweepPayloads(store, graceMs) };
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(brokerClosed(this.kind));
    this.#session.rest();
    const store = this.#store;
    if (!store) return;
    await store.change((change) => {
      this.#readers.letAllGo(change);
      this.#session.end(change);
    }, 'soon');
    if (this.#main) releaseMain(store.directory, this.#session.number);
    await store.release();
  }

  #use(): Store {
    if (this.#closing.signal.aborted) throw brokerClosed(this.kind);
    if (!this.#store) {
      const options = { directory: this.#directory, durability: this.#durability, maxBytes: this.#maxBytes, joins: this.#joins };
      this.#store = Store.acquire(options);
    }
    this.#store.checkThere();
    return this.#store;
  }

  #newQueue(store: Store): CommitQueue {
    return new CommitQueue({ store, dedupeWindow: this.#dedupeWindow, closing: this.#closing.signal });
  }

  /** A step that settles messages, which may make room. */
  async #settle<R>(topic: string, group: string, step: (log: StoredLog, change: Change) => R, lasting?: Lasting): Promise<R> {
    return this.#use().change((change) => {
      const log = withGroup(change.log(topic), topic, group);
      change.settles(log);
      return step(log, change);
    }, lasting);
  }
}

/**
 * Makes a broker from what {@link EmbeddedBroker.open} returned, in another process. Where the store was deleted since, its
 * calls reject with `BROKER_CORRUPT`: it makes no new one.
 *
 * @throws EdgeFlowError `BROKER_CONFIG`
 */
export function connectEmbeddedBroker({ kind, options }: BrokerConfig): EmbeddedBroker {
  if (kind !== 'embedded' || typeof options.directory !== 'string')
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `a broker of kind '${kind}' without a usable directory; expected what open() of an embedded broker returned`,
    );
  return new EmbeddedBroker(options, true);
}

function checkNumber(name: string, value: number): void {
  if (!(value > 0)) throw new EdgeFlowError('BROKER_CONFIG', `${name} is ${value}; expected a positive number`);
}
