import { randomInt } from 'node:crypto';
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
import { brokerClosed, brokerInUse, checkDeclaration, checkMessage, defaultDedupeWindow, defaultVisibilityMs } from '../options.js';
import type { CommonBrokerOptions } from '../options.js';
import { isIntact } from '../checksum.js';
import type { Change } from './change.js';
import { CommitQueue } from './commitQueue.js';
import { monotonicMs } from './clock.js';
import { defaultDirectory, foreignFiles } from './directory.js';
import type { Bell } from './bells.js';
import type { Durability } from './directory.js';
import { withGroup, withReader, withTopic } from './declared.js';
import type { Entry } from './entry.js';
import { seqKey } from './keys.js';
import { claimMain, releaseMain } from './mainProcess.js';
import { attemptOf } from '../token.js';
import { Quiet } from './quiet.js';
import type { Known } from './quiet.js';
import { sessionRecord } from './records.js';
import { Store } from './store.js';
import type { StoredLog, StoredMessage } from './storedLog.js';
import { OwnHolds } from './ownHolds.js';
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
   * What a push that resolved survives: `process`, the death of any process; `power`, that of the host too, at the
   * price of a sync to disk.
   * @defaultValue 'process'
   */
  readonly durability?: Durability;
  /** Bound of the stored bytes of all topics together. @defaultValue 4 GiB, at most half of the file system */
  readonly maxBytes?: number;
}

/** How often a client shows that it lives, and looks for dead ones. */
const beatsPerVisibility = 4;
const leastBeatMs = 20;
const mostBeatMs = 5_000;
const mostReapMs = 1_000;

/**
 * The default broker: needs no server. Messages pass between processes through two memory-mapped lmdb environments, one
 * for ids and one for payloads.
 *
 * @example
 * ```ts
 * const broker = new EmbeddedBroker({ name: 'doorbell' });
 * fromBroker(frames, QoS.REALTIME, { broker }).subscribe(({ seq }) => console.log(seq));
 * ```
 */
export class EmbeddedBroker implements Broker {
  readonly kind = 'embedded';
  readonly #directory: string;
  readonly #durability: Durability;
  readonly #maxBytes: number | undefined;
  readonly #visibilityMs: number;
  readonly #dedupeWindow: number;
  readonly #session = randomInt(1, 2 ** 47);
  /** Pushes of each topic wait by themselves; commits may concern several. */
  readonly #pushes = new Map<string, CommitQueue>();
  readonly #enlisted = new Set<string>();
  readonly #likely = new Set<string>();
  readonly #holds = new OwnHolds();
  /** Messages for a reader that could not be used since the last that could. */
  readonly #gone = new Map<string, number>();
  /** When to look next, of each topic, for holds of those who died. */
  readonly #nextHoldReap = new Map<string, number>();
  readonly #quiet = new Quiet();
  readonly #closing = new AbortController();
  #store: Store | undefined;
  #commits: CommitQueue | undefined;
  #beat: NodeJS.Timeout | undefined;
  #nextReap = 0;
  #main = false;

  /** @throws EdgeFlowError `TOPIC_INVALID` for an unusable name, `BROKER_CONFIG` for an unusable number */
  constructor({
    name = 'default',
    durability = 'process',
    directory = defaultDirectory(name, durability),
    maxBytes,
    visibilityMs = defaultVisibilityMs,
    dedupeWindow = defaultDedupeWindow,
  }: EmbeddedBrokerOptions = {}) {
    // A wait for each topic that is read listens to it.
    setMaxListeners(0, this.#closing.signal);
    checkName('broker', name);
    checkNumber('maxBytes', maxBytes ?? 1);
    checkNumber('visibilityMs', visibilityMs);
    checkNumber('dedupeWindow', dedupeWindow);
    this.#directory = directory;
    this.#durability = durability;
    this.#maxBytes = maxBytes;
    this.#visibilityMs = visibilityMs;
    this.#dedupeWindow = Math.ceil(dedupeWindow);
  }

  async open(): Promise<BrokerConfig> {
    const { directory, format } = this.#use();
    const options = { directory, visibilityMs: this.#visibilityMs, dedupeWindow: this.#dedupeWindow };
    return Promise.resolve({ kind: this.kind, options: { ...options, durability: format.durability, maxBytes: format.maxBytes } });
  }

  async claim(): Promise<void> {
    const { directory } = this.#use();
    if (!claimMain(directory, this.#session)) throw brokerInUse(`the embedded store in '${directory}'`);
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
    checkName('topic', topic);
    checkMessage(topic, message);
    let queue = this.#pushes.get(topic);
    if (!queue) this.#pushes.set(topic, (queue = this.#newQueue(store)));
    return queue.push(topic, message, signal);
  }

  async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const { group, consumer, count, waitMs, strict = false, signal } = request;
    const kinds = strict ? (['news', 'space'] as const) : (['news'] as const);
    const end = monotonicMs() + waitMs;
    const key = `${topic}/${group}/${consumer}`;
    // The first pop takes back what an earlier process had open, and so cannot look first.
    if (!this.#enlisted.has(key)) this.#likely.add(key);
    for (;;) {
      const store = this.#use();
      const heard = store.bells.heard(topic, kinds);
      if (monotonicMs() >= this.#nextReap) await this.#reap(store, topic, group);
      // Where the last pop found something, the next is likely to: it need not look before it takes.
      if (this.#likely.has(key) || this.#look(topic, request, heard).ready) {
        const taken = await store.change((change) => this.#take(change, topic, request));
        this.#enlisted.add(key);
        const messages = taken.length > 0 ? await this.#delivered(store, topic, request, taken) : [];
        if (messages.length > 0) {
          this.#likely.add(key);
          return messages;
        }
        this.#likely.delete(key);
      }
      const { ready, nextDue } = this.#look(topic, request, heard);
      if (ready && count > 0) continue;
      const now = monotonicMs();
      if (now >= end || signal?.aborted || count <= 0) return [];
      if (store.bells.watch(topic, kinds)) continue;
      await store.bells.wait(topic, kinds, Math.min(end, Math.max(nextDue, now)) - now, heard, [signal, this.#closing.signal]);
    }
  }

  async popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined> {
    const { reader, waitMs, signal, inPlace = false } = request;
    const end = monotonicMs() + waitMs;
    let rung = false;
    for (;;) {
      const store = this.#use();
      const heard = store.bells.heard(topic, ['news']);
      const message =
        rung || this.#hasNewer(store, topic, reader, heard) ? await this.#takeLatest(store, topic, reader, inPlace) : undefined;
      const now = monotonicMs();
      if (message || now >= end || signal?.aborted) return message;
      if (store.bells.watch(topic, ['news'])) continue;
      await store.bells.wait(topic, ['news'], end - now, heard, [signal, this.#closing.signal]);
      // Then there is most likely one: it is taken without a look before.
      rung = store.bells.heard(topic, ['news']) !== heard;
    }
  }

  letGo(topic: string, reader: string, seqs: readonly number[]): void {
    this.#holds.letGo(topic, reader, seqs);
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
      const payload = payloadOf(store, entry, false);
      return payload && isIntact({ meta, payload }, checksum) ? [{ id, time, meta, payload, seq }] : [];
    });
    return Promise.resolve({ messages, next, retains });
  }

  ack(topic: string, { group, consumer }: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    return this.#settle(topic, group, (log) => {
      const owner = log.consumer(group, consumer);
      return { fenced: tickets.filter((ticket) => !log.ack(group, owner, ticket)) };
    });
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

  nack(topic: string, { group, consumer }: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
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
          const payload = payloadOf(store, stored, false) ?? stored.payload;
          return { id, time, meta, payload, letter, seq, group, error, stack, attempts, firstTime, deadTime };
        }),
    );
  }

  redrive(topic: string, letters: readonly number[]): Promise<number> {
    return this.#use().change((change) => {
      const count = withTopic(change.log(topic), topic).redrive(letters);
      if (count > 0) change.ring(topic, 'news');
      return count;
    });
  }

  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    return this.#use().change((change) => withTopic(change.log(topic), topic).dropDeadLetters(letters));
  }

  dropGroup(topic: string, group: string): Promise<number> {
    return this.#use().change((change) => {
      const unsettled = withGroup(change.log(topic), topic, group).dropGroup(group);
      // Those who wait for room, and consumers of the group itself.
      change.ring(topic, 'space');
      change.ring(topic, 'news');
      return unsettled;
    });
  }

  dropReader(topic: string, reader: string): Promise<void> {
    return this.#use().change((change) => {
      withTopic(change.log(topic), topic).dropReader(reader);
      change.ring(topic, 'space');
    });
  }

  async reset({ scope = 'all' }: ResetOptions = {}): Promise<void> {
    const store = this.#use();
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
    this.#enlisted.clear();
    this.#holds.clear();
  }

  stats(): Promise<TopicStats[]> {
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
    clearInterval(this.#beat);
    const store = this.#store;
    if (!store) return;
    // Without its session, what this client had open goes to others at once.
    await store.change((change) => {
      for (const { topic, reader, seq } of this.#holds.all()) change.log(topic)?.letGo(reader, this.#session, seq);
      change.tables.sessions.removeSync(seqKey(0, this.#session));
    });
    if (this.#main) releaseMain(store.directory, this.#session);
    await store.release();
  }

  #use(): Store {
    if (this.#closing.signal.aborted) throw brokerClosed(this.kind);
    this.#store ??= Store.acquire({ directory: this.#directory, durability: this.#durability, maxBytes: this.#maxBytes });
    return this.#store;
  }

  /** Whether a pop would find something, and if not, when to look again without a bell. */
  #look(topic: string, { group, strict = false }: PopRequest, heard: number): ReturnType<StoredLog['ready']> {
    const store = this.#use();
    const key = `${topic}/${group}/${strict}`;
    const known = knownNow(store, topic, strict ? ['news', 'space'] : ['news'], heard);
    const now = monotonicMs();
    const until = known && this.#quiet.until(key, known, now);
    if (until !== undefined) return { ready: false, nextDue: until };
    const found = store.view((_, log) => withGroup(log(topic), topic, group).ready(group, strict, now));
    if (known && !found.ready) this.#quiet.note(key, known, now, found.nextDue);
    return found;
  }

  #hasNewer(store: Store, topic: string, reader: string, heard: number): boolean {
    const key = `${topic}/${reader}`;
    const known = knownNow(store, topic, ['news'], heard);
    const now = monotonicMs();
    if (known && this.#quiet.until(key, known, now) !== undefined) return false;
    const newer = store.view((_, log) => withReader(log(topic), topic, reader).hasNewer(reader));
    if (known && !newer) this.#quiet.note(key, known, now, Infinity);
    return newer;
  }

  #newQueue(store: Store): CommitQueue {
    return new CommitQueue({ store, dedupeWindow: this.#dedupeWindow, closing: this.#closing.signal });
  }

  /** Takes messages within a transaction, which also says that this consumer lives. */
  #take(change: Change, topic: string, { group, consumer, count, strict = false }: PopRequest): Taken {
    const log = withGroup(change.log(topic), topic, group);
    const first = !this.#enlisted.has(`${topic}/${group}/${consumer}`);
    if (first) this.#live(change);
    const owner = log.enlist(group, consumer, this.#session, first);
    return log.pop(group, owner, count, strict, monotonicMs());
  }

  async #delivered(
    store: Store,
    topic: string,
    { inPlace = false, ...consumer }: PopRequest,
    messages: Taken,
  ): Promise<DeliveredMessage[]> {
    const delivered: DeliveredMessage[] = [];
    const lost: (Ticket & { readonly error: string })[] = [];
    for (const { seq, token, entry } of messages) {
      const { id, time, meta } = entry;
      const payload = payloadOf(store, entry, inPlace);
      if (payload && isIntact({ meta, payload }, entry.checksum))
        delivered.push({ id, time, meta, payload, seq, token, attempt: attemptOf(token) });
      else {
        const found = payload ? 'the stored bytes are not those that were published' : 'its payload is gone, or has another length';
        lost.push({ seq, token, error: `MESSAGE_CORRUPT: message '${id}': ${found}` });
      }
    }
    // Only damage from outside does this. A dead letter says so; waiting would not bring the bytes back.
    for (const { error, ...ticket } of lost) await this.nack(topic, consumer, ticket, { error });
    return delivered;
  }

  async #takeLatest(store: Store, topic: string, reader: string, inPlace: boolean): Promise<LatestMessage | undefined> {
    const session = this.#session;
    const over = this.#holds.over(topic, reader);
    const message = await store.change((change) => {
      const log = withReader(change.log(topic), topic, reader);
      for (const seq of over) log.letGo(reader, session, seq);
      const now = monotonicMs();
      if (now >= (this.#nextHoldReap.get(topic) ?? 0)) {
        log.reapHolds(now);
        this.#nextHoldReap.set(topic, now + mostReapMs);
      }
      const latest = log.popLatest(reader, session);
      // Who holds says that it lives.
      if (latest?.entry.payloadKey && !this.#beat) this.#live(change);
      return latest;
    });
    this.#holds.ended(topic, reader, over);
    if (!message) return undefined;
    const { seq, entry, skipped } = message;
    const payload = payloadOf(store, entry, inPlace);
    if (entry.payloadKey) this.#holds.taken(topic, reader, seq, inPlace && payload !== undefined);
    const gone = this.#gone.get(`${topic}/${reader}`) ?? 0;
    if (payload) {
      if (gone > 0) this.#gone.delete(`${topic}/${reader}`);
      return { id: entry.id, time: entry.time, meta: entry.meta, payload, seq, skipped, gone };
    }
    // Only damage from outside does this. The next newer message comes.
    await store.change((change) => change.log(topic)?.passOver(reader));
    this.#gone.set(`${topic}/${reader}`, gone + 1);
    return undefined;
  }

  /** A step that settles messages, which may make room. */
  async #settle<R>(topic: string, group: string, step: (log: StoredLog, change: Change) => R): Promise<R> {
    return this.#use().change((change) => {
      const log = withGroup(change.log(topic), topic, group);
      change.settles(log);
      return step(log, change);
    });
  }

  /** Says that this client lives, now and from now on. */
  #live({ tables }: Pick<Change, 'tables'>): void {
    const say = (): void => {
      tables.sessions.putSync(seqKey(0, this.#session), sessionRecord.encode({ beat: monotonicMs(), visibilityMs: this.#visibilityMs }));
    };
    say();
    if (this.#beat) return;
    const everyMs = Math.min(mostBeatMs, Math.max(leastBeatMs, this.#visibilityMs / beatsPerVisibility));
    this.#beat = setInterval(() => {
      if (!this.#closing.signal.aborted) this.#use().change(say).catch(warn);
    }, everyMs);
    this.#beat.unref();
  }

  /** Looks, about every second, for consumers that died, and makes their messages due. */
  async #reap(store: Store, topic: string, group: string): Promise<void> {
    const now = monotonicMs();
    this.#nextReap = now + Math.min(mostReapMs, this.#visibilityMs / beatsPerVisibility);
    const dead = store.view((_, log) => withGroup(log(topic), topic, group).deadConsumers(group, now));
    if (dead.length === 0) return;
    await store.change((change) => {
      if (withGroup(change.log(topic), topic, group).reap(group, monotonicMs()) > 0) change.ring(topic, 'news');
    });
  }
}

/**
 * Makes a broker from what {@link EmbeddedBroker.open} returned, in another process.
 *
 * @throws EdgeFlowError `BROKER_CONFIG`
 */
export function connectEmbeddedBroker({ kind, options }: BrokerConfig): EmbeddedBroker {
  if (kind !== 'embedded' || typeof options.directory !== 'string')
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `a broker of kind '${kind}' without a usable directory; expected what open() of an embedded broker returned`,
    );
  return new EmbeddedBroker(options);
}

/** What a look can be compared with later; undefined where bells of other processes are not heard. */
function knownNow(store: Store, topic: string, kinds: readonly Bell[], heard: number): Known | undefined {
  return store.bells.watched(topic, kinds) ? { commit: store.lastCommit, heard } : undefined;
}

type Taken = readonly (StoredMessage & Ticket)[];

/** The payload of an entry; undefined where it is gone, or is not as long as it was. */
function payloadOf(store: Store, { meta, payload, payloadKey, bytes }: Entry, inPlace: boolean): Uint8Array | undefined {
  const stored = payloadKey && (inPlace ? store.lend(payloadKey) : store.payloads.read(payloadKey));
  const found = payloadKey ? stored : payload;
  return found?.length === bytes - meta.length ? found : undefined;
}

function checkNumber(name: string, value: number): void {
  if (!(value > 0)) throw new EdgeFlowError('BROKER_CONFIG', `${name} is ${value}; expected a positive number`);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { code: 'EDGEFLOW_HEARTBEAT' });
}
