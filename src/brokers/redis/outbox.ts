import { EdgeFlowError } from '../../errors.js';
import { messageIdSource } from '../../message.js';
import type { Commit } from '../broker.js';
import { onAbort } from '../onAbort.js';
import { messageBytes, topicFull } from '../options.js';
import { blobKeys } from './blobs.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { LinkLost } from './link.js';
import type { RedisLink } from './link.js';
import { NoRoom } from './refusal.js';
import { asBuffer, asList } from './reply.js';
import { warnWaiting } from './wait.js';

/** A commit that waits for its turn. A push is one without acks. */
export interface Waiting<Result> {
  readonly commit: Commit;
  /** Names this publish: a repeated one is known by it. */
  readonly token: string;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: Error) => void;
  settled: boolean;
  /** Whether it was sent, and the reply was lost: it may have happened. */
  repeated: boolean;
  /** For each of its messages, the payload on the data plane; empty while they are not stored. */
  parts: readonly Part[];
  storedTime: number;
}

/** A payload on the data plane; undefined where it travels with its id. */
type Part = { readonly key: string; readonly payload: Buffer } | undefined;

/** What became of a batch: its first `done` are settled, and what was left over waits. */
export interface Outcome {
  readonly done: number;
  /** The topic that had no room for the next one; undefined where it was a server that had no memory. */
  readonly full?: string | undefined;
}

const batchCount = 256;
const batchBytes = 4 * 1024 * 1024;
/** A payload whose id could not be published for so long is stored anew: a sweep may take the old one. */
const republishMs = 60_000;
/** A server at its maxmemory, or with a full disk, does not say when it has room again. */
const memoryLookMs = 25;

/**
 * What a client publishes, in order. Commits of one tick, and those that come while a batch is on its way, go together:
 * payloads first, then one script. One that finds no room holds up those behind it.
 */
export abstract class Outbox<Result> {
  readonly #open: () => Promise<Connections>;
  readonly #nextToken = messageIdSource();
  #connections: Connections | undefined;
  #queue: Waiting<Result>[] = [];
  #working = false;
  /** Size of the next batch: it begins with one again where a batch itself was too much for a server's memory. */
  #most = batchCount;
  /** The server that had no room, if one had none. */
  #withoutRoom: string | undefined;
  /** What the first of the queue waits for, if it does. */
  #channel: string | undefined;

  constructor(open: () => Promise<Connections>) {
    this.#open = open;
  }

  /**
   * Runs the script for commits whose payloads are stored, and settles those that are done.
   *
   * @throws LinkLost where it is not known whether it ran.
   */
  protected abstract send(batch: readonly Waiting<Result>[]): Promise<Outcome>;

  /** Takes those out of the queue that are rejected where its first one is: its topic is full, and rejects. */
  protected abstract refused(queue: Waiting<Result>[]): Waiting<Result>[];

  protected add(commit: Commit, signal: AbortSignal | undefined): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        waiting.settled = true;
        reject(signal?.reason as Error);
        if (this.#channel !== undefined) this.#connections?.bell.ring(this.#channel);
      };
      const waiting: Waiting<Result> = {
        commit,
        token: this.#nextToken(),
        settled: false,
        repeated: false,
        parts: [],
        storedTime: -Infinity,
        resolve: (result) => {
          forget();
          resolve(result);
        },
        reject: (reason) => {
          forget();
          reject(reason);
        },
      };
      if (signal?.aborted) {
        cancel();
        return;
      }
      const forget = onAbort(signal, cancel);
      this.#queue.push(waiting);
      if (!this.#working) {
        this.#working = true;
        queueMicrotask(() => void this.#work());
      }
    });
  }

  protected get context(): Connections {
    if (!this.#connections) throw new Error('an outbox works before it is connected');
    return this.#connections;
  }

  async #work(): Promise<void> {
    try {
      this.#connections ??= await this.#open();
      while (this.#queue.length > 0) {
        const batch = this.#nextBatch();
        if (batch.length === 0) continue;
        const { rest, full } = await this.#publish(batch);
        if (rest.length < batch.length) this.#most = Math.min(batchCount, 2 * this.#most);
        if (rest.length > 0) {
          this.#queue.unshift(...rest);
          await this.#waitForRoom(full);
        }
      }
    } catch (error) {
      for (const { reject } of this.#queue.splice(0)) reject(error as Error);
    } finally {
      this.#working = false;
    }
  }

  #nextBatch(): Waiting<Result>[] {
    const most = Math.min(this.#most, this.context.dedupeWindow);
    const batch: Waiting<Result>[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      if (!waiting.settled) {
        for (const { message } of waiting.commit.messages) bytes += messageBytes(message);
        if (batch.length === most || (batch.length > 0 && bytes > batchBytes)) break;
        batch.push(waiting);
      }
      taken++;
    }
    this.#queue.splice(0, taken);
    return batch;
  }

  /** Publishes and settles the batch from its first commit on, as far as there is room; returns what is left of it. */
  async #publish(batch: readonly Waiting<Result>[]): Promise<{ rest: Waiting<Result>[]; full?: string | undefined }> {
    const { control, closed } = this.context;
    try {
      for (;;) {
        const wanted = batch.filter(({ settled }) => !settled);
        const stored = wanted.slice(0, await this.#store(wanted));
        // Whoever cancelled one may have changed its bytes while they were being stored.
        await this.#withdraw(stored.filter(({ settled }) => settled));
        const ready = stored.filter(({ settled }) => !settled);
        const later = wanted.slice(stored.length);
        if (ready.length === 0) return { rest: later };
        try {
          const { done, full } = await this.send(ready);
          const next = ready[done];
          if (next) next.repeated = false;
          const rest = ready.slice(done);
          await this.#withdraw(rest);
          return { rest: [...rest, ...later], full };
        } catch (error) {
          if (error instanceof NoRoom) {
            this.#refusedBy(control);
            await this.#withdraw(ready);
            return { rest: [...ready, ...later] };
          }
          if (!(error instanceof LinkLost)) throw error;
          for (const waiting of ready) waiting.repeated = true;
        }
        await control.retry(closed);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
      return { rest: [] };
    }
  }

  /** Stores the large payloads of the batch; returns how many commits, from the first on, may be published now. */
  async #store(batch: readonly Waiting<Result>[]): Promise<number> {
    const { data, blobs, keys, inlineBytes, closed } = this.context;
    const time = performance.now();
    const fresh = batch.filter(({ storedTime }) => time - storedTime > republishMs);
    for (const waiting of fresh) {
      // A new name for each try: two of them must not share a payload.
      waiting.parts = waiting.commit.messages.map(({ topic, message }): Part => {
        const payload = toBuffer(message.payload);
        return payload.length > inlineBytes ? { key: keys.blob(topic, message.id, this.#nextToken()), payload } : undefined;
      });
      waiting.storedTime = time;
    }
    const large = partsOf(fresh);
    if (large.length === 0) return batch.length;
    const stored = await data.persist(() => blobs.put(large), closed);
    if (stored === large.length) return batch.length;
    this.#refusedBy(data);
    const ready = batch.findIndex(({ parts }) => parts.includes(large[stored]));
    await this.#withdraw(batch.slice(ready));
    return ready;
  }

  /**
   * Takes the payloads of commits back that wait: they neither take memory meanwhile nor can look like those whose id
   * never came. A commit that may have happened keeps them: its messages may refer to them.
   */
  async #withdraw(batch: readonly Waiting<Result>[]): Promise<void> {
    const unsent = batch.filter(({ repeated }) => !repeated);
    const unused = partsOf(unsent);
    for (const waiting of unsent) waiting.storedTime = -Infinity;
    await this.context.blobs.remove(unused);
  }

  #refusedBy({ address }: RedisLink): void {
    this.#withoutRoom = address;
    this.#most = 1;
  }

  /** Waits until the first of the queue may find room, or rejects it where its topic says so. */
  async #waitForRoom(full: string | undefined): Promise<void> {
    const { control, bell, blobs, keys, closed } = this.context;
    const first = this.#queue.find(({ settled }) => !settled);
    const topic = full ?? first?.commit.messages[0]?.topic;
    if (!first || topic === undefined) return;
    const channel = keys.bell(topic);
    this.#channel = channel;
    while (!first.settled) {
      await bell.listen(channel);
      const count = bell.count(channel);
      const short = this.#withoutRoom;
      this.#withoutRoom = undefined;
      const values = [short === undefined ? 0 : 1];
      const [room, onFull, maxBytes, trash, freed] = asList(
        await control.persist(() => control.run(commands.room, [keys.topic(topic), keys.trash], values), closed),
      );
      blobs.discard(blobKeys(trash));
      // What nobody needs gives way: there is memory in a moment.
      if (Number(freed) > 0) {
        await blobs.settle();
        break;
      }
      if (onFull !== undefined && asBuffer(onFull).toString() === 'reject' && (short !== undefined || room === 0)) {
        const error = short === undefined ? topicFull(topic, Number(asBuffer(maxBytes).toString())) : memoryFull(topic, short);
        for (const { reject } of this.refused(this.#queue)) reject(error);
        break;
      }
      if (short !== undefined)
        warnWaiting(short, `the ${short} takes nothing more: its maxmemory is reached, or its disk is full. Publishes wait`);
      if (room === 1 && short === undefined) break;
      await bell.wait(channel, count, short === undefined ? Infinity : memoryLookMs, closed);
      closed.throwIfAborted();
    }
    this.#channel = undefined;
  }
}

function memoryFull(topic: string, server: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_FULL',
    `topic '${topic}': the ${server} is at its maxmemory, or its disk is full. Raise it, free disk space, or lower maxBytes of the topics`,
  );
}

function partsOf<Result>(batch: readonly Waiting<Result>[]): NonNullable<Part>[] {
  const found: NonNullable<Part>[] = [];
  for (const { parts } of batch) for (const part of parts) if (part) found.push(part);
  return found;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
