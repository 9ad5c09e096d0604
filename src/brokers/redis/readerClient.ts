import { EdgeFlowError } from '../../errors.js';
import { messageIdSource } from '../../message.js';
import type { LatestMessage, PopLatestRequest } from '../broker.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { checkDeclared } from './declared.js';
import { LinkLost } from './link.js';
import type { LongPoll } from './longPolls.js';
import { Loans } from './payloadMemory.js';
import { flawOf, toMessage, tryReadRecord } from './record.js';
import { firstToken } from '../token.js';
import { asBuffer, asList } from './reply.js';
import { Taker } from './taker.js';
import { unlessAborted } from './wait.js';

const nextToken = messageIdSource();

/** A call of popLatest. */
interface Call {
  /** Whether it is to be woken when there is a newer message. */
  readonly wait: boolean;
  /** What it waits for first. */
  readonly poll: LongPoll | undefined;
  /** Whether it waits for its take no more. */
  left: boolean;
}

/** What a take found: a message, or how often the topic rang. */
interface Take {
  readonly message?: LatestMessage;
  readonly rings?: number;
}

/** What one consumer of a reader does in this process. */
export class ReaderClient {
  readonly #topic: string;
  readonly #reader: string;
  readonly #consumer: string;
  readonly #context: Connections;
  readonly #taker: Taker;
  readonly #loans: Loans;
  /** Names the take under way. It stays until the take's message was had: repeated, it is the same take. */
  #token = nextToken();
  /** Whether the message of the take under way can't be used: its payload is gone or damaged. */
  #gone = false;
  /** Messages that could not be used since the last that could. */
  #goneCount = 0;

  constructor(topic: string, { reader, consumer }: Pick<PopLatestRequest, 'reader' | 'consumer'>, context: Connections) {
    this.#topic = topic;
    this.#reader = reader;
    this.#consumer = consumer;
    this.#context = context;
    this.#taker = new Taker(commands.take, topic, context);
    this.#loans = new Loans(context.memory);
  }

  async popLatest({ waitMs, inPlace = false, signal }: PopLatestRequest): Promise<LatestMessage | undefined> {
    const { bell, keys, control, data, closed } = this.#context;
    const channel = keys.bell(this.#topic);
    const end = performance.now() + waitMs;
    let poll: LongPoll | undefined;
    for (;;) {
      closed.throwIfAborted();
      const heard = bell.count(channel);
      const wait = performance.now() < end && !signal?.aborted;
      try {
        const call = { wait, poll, left: false };
        poll = undefined;
        const taking = this.#taker.serially(() => this.#take(call), call.poll);
        const taken = await unlessAborted(taking, signal);
        if (!taken) {
          call.left = true;
          return undefined;
        }
        const { message: newest, rings = 0 } = taken;
        // A take is had by one call alone: its seq does not come again.
        if (newest && inPlace) this.#loans.lend(newest.seq, firstToken, newest.payload);
        const left = end - performance.now();
        if (newest || left <= 0 || signal?.aborted) return newest;
        poll = await this.#taker.wait({ rings, heard, ms: left, signal });
      } catch (error) {
        if (!(error instanceof LinkLost)) throw error;
        closed.throwIfAborted();
        const left = end - performance.now();
        if (left <= 0 || signal?.aborted) return undefined;
        const link = control.ready ? data : control;
        if (link.ready) await bell.wait(channel, heard, Math.min(left, 50), signal);
        else await link.whenReady(left, signal);
      }
    }
  }

  /** Takes note that messages are not looked at any more; where they are `abandoned`, that this is not known. */
  letGo(seqs: readonly number[], abandoned = false): void {
    for (const seq of seqs) {
      if (abandoned) this.#loans.forget(seq);
      else this.#loans.end(seq, firstToken);
    }
  }

  async #take(call: Call): Promise<Take> {
    const { blobs } = this.#context;
    let { poll } = call;
    for (;;) {
      const values = [this.#reader, this.#consumer, this.#token, this.#gone ? 1 : 0, call.wait ? 1 : 0];
      const [state, seq, found, skipped, rings] = asList(await this.#taker.run(values, poll));
      poll = undefined;
      checkDeclared(state, this.#topic, `reader '${this.#reader}'`);
      this.#gone = false;
      if (found === null || found === undefined) {
        this.#token = nextToken();
        return { rings: Number(rings) };
      }
      const stored = tryReadRecord(Number(seq), asBuffer(found));
      if (!(stored instanceof EdgeFlowError)) {
        const [payload] = await blobs.get([stored]);
        if (payload && !flawOf(stored, payload)) {
          // Nobody has it: the next take is the same one.
          if (call.left) return {};
          this.#token = nextToken();
          const gone = this.#goneCount;
          this.#goneCount = 0;
          return { message: { ...toMessage(stored, payload), skipped: Number(skipped ?? 0), gone } };
        }
      }
      this.#gone = true;
      this.#goneCount++;
    }
  }
}
