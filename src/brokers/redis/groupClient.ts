import { describeError, EdgeFlowError } from '../../errors.js';
import type { AckResult, DeliveredMessage, Failure, GroupConsumer, PopRequest, Ticket } from '../broker.js';
import { blobKeys } from './blobs.js';
import type { Command } from './command.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { checkDeclared } from './declared.js';
import { LinkLost } from './link.js';
import type { LongPoll } from './longPolls.js';
import { Loans } from './payloadMemory.js';
import { flawOf, headOf, tryReadRecord } from './record.js';
import type { StoredMessage } from './record.js';
import { attemptOf, firstToken } from '../token.js';
import { asBuffer, asList } from './reply.js';
import type { Reply } from './reply.js';
import { Taker } from './taker.js';
import { ticketRuns } from './ticketRuns.js';
import { unlessAborted } from './wait.js';

interface Taken extends Ticket {
  /** The message, or why it can't be read. */
  readonly stored: StoredMessage | EdgeFlowError;
}

interface Look {
  readonly taken: readonly Taken[];
  /** When the next redelivery is due, in ms; Infinity for never. */
  readonly dueMs: number;
  /** How often the topic rang, where nothing was taken. */
  readonly rings: number;
}

/** How a take looks. */
interface Way {
  readonly count: number;
  readonly strict: boolean;
  /** Whether it is to be woken when there is more. */
  readonly wait: boolean;
  /** What it waits for first. */
  readonly poll?: LongPoll | undefined;
}

/** Payload bytes that one pop takes at most, but for a single larger message. */
const popBytes = 32 * 1024 * 1024;

/** What one consumer of a group does in this process. */
export class GroupClient {
  readonly #topic: string;
  readonly #consumer: GroupConsumer;
  readonly #context: Connections;
  readonly #taker: Taker;
  /** Taken by this process and not settled; with what scripts call the head of each. */
  readonly #held = new Map<number, string>();
  readonly #loans: Loans;
  /** Taken, but the data plane was out of reach. */
  #unfetched: Taken[] = [];
  /** Whether the broker may count more as held by this consumer than this process knows of. */
  #uncertain = true;

  constructor(topic: string, consumer: GroupConsumer, context: Connections) {
    this.#topic = topic;
    this.#consumer = consumer;
    this.#context = context;
    this.#taker = new Taker(commands.pop, topic, context);
    this.#loans = new Loans(context.memory);
  }

  async pop({ count, waitMs, strict = false, inPlace = false, signal }: PopRequest): Promise<DeliveredMessage[]> {
    const { bell, keys, control, closed } = this.#context;
    const channel = keys.bell(this.#topic);
    const end = performance.now() + waitMs;
    let poll: LongPoll | undefined;
    for (;;) {
      closed.throwIfAborted();
      const heard = bell.count(channel);
      const wait = performance.now() < end && !signal?.aborted;
      try {
        const way = { count, strict, wait, poll };
        poll = undefined;
        const taking = this.#taker.serially(() => this.#take(way), way.poll);
        const taken = await unlessAborted(taking, signal);
        if (!taken) {
          void taking.then(({ messages }) => this.#leave(messages)).catch(() => this.#leave());
          return [];
        }
        const { messages, dueMs, rings } = taken;
        if (inPlace) for (const { seq, token, payload } of messages) this.#loans.lend(seq, token, payload);
        const left = end - performance.now();
        if (messages.length > 0 || left <= 0 || signal?.aborted) return messages;
        poll = await this.#taker.wait({ rings, heard, ms: Math.min(left, dueMs), signal });
      } catch (error) {
        if (!(error instanceof LinkLost)) throw error;
        closed.throwIfAborted();
        if (signal?.aborted) {
          void this.#leave();
          return [];
        }
        const left = end - performance.now();
        if (left <= 0) return [];
        const link = control.ready ? this.#context.data : control;
        if (link.ready) await bell.wait(channel, heard, Math.min(left, 50), signal);
        else await link.whenReady(left, signal);
      }
    }
  }

  async ack(tickets: readonly Ticket[]): Promise<AckResult> {
    const runs = ticketRuns(tickets, (seq) => this.headOf(seq));
    const [, fenced, trash] = await this.#settle(commands.ack, runs.flat());
    this.settled(tickets);
    this.#context.blobs.discard(blobKeys(trash));
    return { fenced: asList(fenced).flatMap((index) => tickets[Number(index)] ?? []) };
  }

  /** The first words of a message's record, which a script then need not read again; empty where it is not known. */
  headOf(seq: number): string {
    return this.#held.get(seq) ?? '';
  }

  /** Takes note that messages are settled: acked, or committed. Nobody looks at their payloads any more. */
  settled(tickets: readonly Ticket[]): void {
    for (const { seq, token } of tickets) {
      this.#held.delete(seq);
      this.#loans.end(seq, token);
    }
  }

  /** Takes note that messages are not the consumer's any more. */
  lost(tickets: readonly Ticket[]): void {
    for (const { seq } of tickets) this.#handedBack(seq);
  }

  #handedBack(seq: number): void {
    this.#held.delete(seq);
    this.#loans.forget(seq);
  }

  async nack({ seq, token }: Ticket, { error, stack = '', retryAfterMs }: Failure): Promise<boolean> {
    const [, done, trash] = await this.#settle(commands.nack, [
      seq,
      token,
      error,
      stack,
      retryAfterMs === undefined ? '' : Math.max(0, Math.ceil(retryAfterMs)),
    ]);
    this.settled([{ seq, token }]);
    this.#context.blobs.discard(blobKeys(trash));
    return done === 1;
  }

  async release(seqs: readonly number[] | undefined): Promise<void> {
    const { control, closed } = this.#context;
    const wanted = seqs && new Set(seqs);
    this.#unfetched = this.#unfetched.filter(({ seq }) => wanted && !wanted.has(seq));
    const values = [this.#consumer.group, this.#consumer.consumer, '', seqs ? 1 : 0, ...(seqs ?? [])];
    this.#check(await control.persist(() => control.run(commands.release, this.#keys, values), closed));
    if (!seqs) {
      this.#held.clear();
      this.#loans.forgetAll();
      return;
    }
    for (const seq of seqs) this.#handedBack(seq);
  }

  /** Nobody waits any more: gives back what the broker counts as taken, and nobody here has or will ask for. */
  async #leave(messages: readonly DeliveredMessage[] = []): Promise<void> {
    const { control, closed } = this.#context;
    try {
      const taken = [...messages, ...this.#unfetched.splice(0)].map(({ seq }) => seq);
      if (taken.length > 0) await this.release(taken);
      await control.persist(
        () => this.#taker.serially(async () => this.#uncertain && this.#look({ count: 0, strict: false, wait: false }), undefined),
        closed,
      );
    } catch {
      // The group is gone, or this client is closed, after which others take what it had.
    }
  }

  async #take({ poll, ...way }: Way): Promise<Omit<Look, 'taken'> & { readonly messages: DeliveredMessage[] }> {
    let look: Look = { taken: this.#unfetched.splice(0, way.count), dueMs: Infinity, rings: 0 };
    let first = poll;
    for (;;) {
      if (look.taken.length === 0) look = await this.#look({ ...way, poll: first });
      first = undefined;
      const messages = await this.#fetch(look.taken);
      if (messages.length > 0 || look.taken.length === 0) return { messages, dueMs: look.dueMs, rings: look.rings };
      look = { taken: [], dueMs: Infinity, rings: 0 };
    }
  }

  async #look({ count, strict, wait, poll }: Way): Promise<Look> {
    const { group, consumer } = this.#consumer;
    const back = this.#uncertain ? [1, ...this.#held.keys()] : [0];
    this.#uncertain = true;
    const values = [group, consumer, count, strict ? 1 : 0, popBytes, wait ? 1 : 0, ...back];
    const reply = asList(await this.#taker.run(values, poll));
    this.#uncertain = false;
    this.#check(reply[0]);
    const taken: Taken[] = [];
    const take = (seq: number, token: number, record: Reply | undefined): void => {
      const stored = tryReadRecord(seq, asBuffer(record));
      this.#held.set(seq, stored instanceof EdgeFlowError ? '' : headOf(stored));
      taken.push({ seq, token, stored });
    };
    const again = asList(reply[2]);
    for (let i = 0; i + 2 < again.length; i += 3) take(Number(again[i]), Number(again[i + 1]), again[i + 2]);
    const first = Number(reply[3]);
    for (const [i, record] of asList(reply[4]).entries()) take(first + i, firstToken, record);
    const due = Number(reply[1]);
    return { taken, dueMs: due < 0 ? Infinity : due, rings: Number(reply[5] ?? 0) };
  }

  async #fetch(taken: readonly Taken[]): Promise<DeliveredMessage[]> {
    if (taken.length === 0) return [];
    const readable: StoredMessage[] = [];
    for (const { stored } of taken) if (!(stored instanceof EdgeFlowError)) readable.push(stored);
    let payloads: (Buffer | undefined)[];
    try {
      payloads = await this.#context.blobs.get(readable);
    } catch (error) {
      this.#unfetched.unshift(...taken);
      throw error;
    }
    const messages: DeliveredMessage[] = [];
    let next = 0;
    for (const { seq, token, stored } of taken) {
      const damaged = stored instanceof EdgeFlowError;
      const payload = damaged ? undefined : payloads[next++];
      const flaw = damaged ? stored : flawOf(stored, payload);
      if (flaw) await this.nack({ seq, token }, { error: describeError(flaw) });
      else if (payload && !damaged) {
        const { id, time, meta } = stored;
        messages.push({ seq, id, time, meta, payload, token, attempt: attemptOf(token) });
      }
    }
    return messages;
  }

  async #settle(command: Command, values: readonly (string | number)[]): Promise<Reply[]> {
    const { control, closed } = this.#context;
    const { group, consumer } = this.#consumer;
    const reply = asList(
      await control.persist((repeated) => control.run(command, this.#keys, [group, consumer, repeated ? 1 : 0, ...values]), closed),
    );
    this.#check(reply[0]);
    return reply;
  }

  get #keys(): string[] {
    const { keys } = this.#context;
    return [keys.topic(this.#topic), keys.trash];
  }

  #check(state: unknown): void {
    if (state !== 0) {
      // What it knows is of a group that was dropped.
      this.#held.clear();
      this.#loans.forgetAll();
      this.#unfetched = [];
    }
    checkDeclared(state, this.#topic, `group '${this.#consumer.group}'`);
  }
}
