import type { DeliveredMessage, Failure, GroupConsumer, PopRequest, Ticket } from '../broker.js';
import { checkName } from '../../topic.js';
import { isIntact } from '../checksum.js';
import { checkTake, topicUndeclared } from '../options.js';
import { overdueTurn } from '../overdueTurn.js';
import { attemptOf } from '../token.js';
import type { Change } from './change.js';
import { monotonicMs } from './clock.js';
import { withGroup } from './declared.js';
import { decodeEntry } from './entry.js';
import type { Client } from './ownSession.js';
import { Quiet, knownNow } from './quiet.js';
import type { Store } from './store.js';
import type { StoredGroup } from './storedGroup.js';
import { StoredLog } from './storedLog.js';
import type { StoredMessage } from './storedMessages.js';
import { readEntries } from './tables.js';

/** How often a client looks for dead ones, at least. */
const mostReapMs = 1_000;
/** So many are read sooner within the transaction that takes them than a further look at the store begins. */
const fewMessages = 8;

/** What a transaction gave to a consumer. */
interface Taken {
  /** Number of the topic. */
  readonly number: number;
  readonly tickets: readonly Ticket[];
  readonly left: Look;
  /** What was taken, where it is little. */
  readonly entries: readonly (Buffer | undefined)[] | undefined;
}

/** Whether a pop would find something, and if not, when to look again without a bell. */
type Look = ReturnType<StoredLog['ready']>;

type Bury = (topic: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure) => Promise<unknown>;

/** How a client takes messages for the groups that it consumes in. */
export class GroupPops {
  readonly #client: Client;
  readonly #bury: Bury;
  /** Consumers that this client has made known. */
  readonly #enlisted = new Set<string>();
  /** Consumers that will most likely find something: the last pop did, or it rang. They take without a look before. */
  readonly #likely = new Set<string>();
  /** Consumers who found something when it rang last. Where there are several, the first gets it and the others should look. */
  readonly #first = new Set<string>();
  readonly #quiet = new Quiet();
  readonly #nextReap = new Map<string, number>();

  /** @param bury - makes a dead letter of a message whose bytes are damaged. */
  constructor(client: Client, bury: Bury) {
    this.#client = client;
    this.#bury = bury;
  }

  async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const { group, consumer, count, waitMs, strict = false, signal } = request;
    checkTake(topic, request);
    const turn = overdueTurn();
    if (turn) await turn;
    const kinds = strict ? (['news', 'space'] as const) : (['news'] as const);
    const end = monotonicMs() + waitMs;
    const ofGroup = `${topic}/${group}`;
    const key = `${ofGroup}/${consumer}`;
    // The first pop takes back what an earlier process had open, and so cannot look first.
    if (!this.#enlisted.has(key)) this.#likely.add(key);
    for (let rung = false; ;) {
      const store = this.#client.use();
      const heard = store.bells.heard(topic, kinds);
      if (monotonicMs() >= (this.#nextReap.get(ofGroup) ?? 0)) await this.#reap(store, topic, group);
      let look = this.#likely.has(key) ? undefined : this.#look(topic, request, heard);
      if (!look || look.ready) {
        const taken = await store.change((change) => this.#take(change, topic, request), 'sometime');
        this.#enlisted.add(key);
        const messages = taken.tickets.length > 0 ? await this.#delivered(store, topic, request, taken) : [];
        if (messages.length > 0) {
          this.#likely.add(key);
          if (rung) this.#first.add(key);
          return messages;
        }
        this.#likely.delete(key);
        look = taken.left;
      }
      if (rung) this.#first.delete(key);
      rung = false;
      if (look.ready && count > 0) continue;
      const now = monotonicMs();
      if (now >= end || signal?.aborted || count <= 0) return [];
      if (store.bells.watch(topic, kinds)) continue;
      // Whoever takes something was rung for, as this consumer was: it looked, and knows.
      const reapAt = look.taken ? this.#nextReap.get(ofGroup) : undefined;
      const until = Math.min(end, Math.max(look.nextDue, now), reapAt ?? end);
      await store.bells.wait(topic, kinds, until - now, heard, [signal, this.#client.closing]);
      if (signal?.aborted) return [];
      rung = store.bells.heard(topic, kinds) !== heard;
      if (rung && this.#first.has(key)) this.#likely.add(key);
    }
  }

  /** Forgets the consumers: the store was emptied. */
  clear(): void {
    this.#enlisted.clear();
  }

  #look(topic: string, { group, strict = false }: PopRequest, heard: number): Look {
    const store = this.#client.use();
    const key = `${topic}/${group}/${strict}`;
    const known = knownNow(store, topic, strict ? ['news', 'space'] : ['news'], heard);
    const now = monotonicMs();
    const until = known && this.#quiet.until(key, known, now);
    if (until !== undefined) return { ready: false, nextDue: until, taken: true };
    const found = viewGroup(store, topic, group, (view, head) => view.ready(head, strict, now));
    if (known && !found.ready) this.#quiet.note(key, known, now, found.nextDue);
    return found;
  }

  /** Takes messages within a transaction, which also says that this consumer lives. */
  #take(change: Change, topic: string, { group, consumer, count, strict = false }: PopRequest): Taken {
    const log = withGroup(change.log(topic), topic, group);
    const first = !this.#enlisted.has(`${topic}/${group}/${consumer}`);
    if (first) this.#client.session.live(change);
    const owner = log.enlist(group, consumer, this.#client.session.number, first);
    const now = monotonicMs();
    const tickets = log.pop(group, owner, count, strict, now);
    const seqs = tickets.length <= fewMessages ? tickets.map(({ seq }) => seq) : undefined;
    return {
      number: log.number,
      tickets,
      left: log.ready(group, strict, now),
      entries: seqs && readEntries(change.tables, log.number, seqs),
    };
  }

  async #delivered(store: Store, topic: string, { inPlace = false, ...consumer }: PopRequest, taken: Taken): Promise<DeliveredMessage[]> {
    const delivered: DeliveredMessage[] = [];
    const lost: (Ticket & { readonly error: string })[] = [];
    for (const { seq, token, entry } of await this.#messages(store, topic, consumer, taken)) {
      const { id, time, meta } = entry;
      const payload = store.payloadOf(entry, inPlace);
      if (payload && isIntact({ meta, payload }, entry.checksum))
        delivered.push({ id, time, meta, payload, seq, token, attempt: attemptOf(token) });
      else {
        const found = payload ? 'the stored bytes are not those that were published' : 'its payload is gone, or has another length';
        lost.push({ seq, token, error: `MESSAGE_CORRUPT: message '${id}': ${found}` });
      }
    }
    // Only damage from outside does this. A dead letter says so; waiting would not bring the bytes back.
    for (const { error, ...ticket } of lost) await this.#bury(topic, consumer, ticket, { error });
    return delivered;
  }

  /** Reads what was taken; what is much after its transaction, whose lock all processes share: what is open stays. */
  async #messages(
    store: Store,
    topic: string,
    { group, consumer }: GroupConsumer,
    { number, tickets, entries: read }: Taken,
  ): Promise<(StoredMessage & Ticket)[]> {
    const seqs = tickets.map(({ seq }) => seq);
    try {
      const entries = read ?? (await store.entries(number, seqs));
      // Those that are gone went with their group, or in a reset.
      return tickets.flatMap((ticket, index) => {
        const entry = entries[index];
        return entry ? [{ ...ticket, entry: decodeEntry(entry) }] : [];
      });
    } catch (error) {
      await store.change((change) => {
        const log = withGroup(change.log(topic), topic, group);
        log.release(group, log.consumer(group, consumer), seqs);
      }, 'sometime');
      throw error;
    }
  }

  /** Looks, every second or oftener, for consumers that died, and makes their messages due. */
  async #reap(store: Store, topic: string, group: string): Promise<void> {
    const now = monotonicMs();
    this.#nextReap.set(`${topic}/${group}`, now + Math.min(mostReapMs, this.#client.session.reapEveryMs));
    const dead = viewGroup(store, topic, group, (view) => view.deadConsumers(now));
    if (dead.length === 0) return;
    await store.change((change) => {
      if (withGroup(change.log(topic), topic, group).reap(group, monotonicMs()) > 0) change.ring(topic, 'news');
    }, 'sometime');
  }
}

/** @throws EdgeFlowError `TOPIC_INVALID`, `TOPIC_UNDECLARED` */
function viewGroup<R>(store: Store, topic: string, group: string, read: (view: StoredGroup, head: number) => R): R {
  checkName('topic', topic);
  checkName('group', group);
  return store.view((tables) => {
    const found = StoredLog.loadGroup(topic, group, tables);
    if (!found?.group) throw topicUndeclared(topic, found ? `group '${group}'` : 'declaration');
    return read(found.group, found.head);
  });
}
