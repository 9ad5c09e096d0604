import { EdgeFlowError } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import { messageIdSource } from '../../message.js';
import type { PushReceipt } from '../broker.js';
import { defaultMaxBytes, messageBytes, topicFull } from '../options.js';
import { blobKeys } from './blobs.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { LinkLost } from './link.js';
import type { RedisLink } from './link.js';
import { NoRoom } from './refusal.js';
import { writeRecord } from './record.js';
import { asBuffer, asList } from './reply.js';
import { warnWaiting } from './wait.js';

interface Waiting {
  readonly message: OutgoingMessage;
  readonly token: string;
  readonly resolve: (receipt: PushReceipt) => void;
  readonly reject: (reason: Error) => void;
  settled: boolean;
}

/** The payload of a message on the data plane; undefined where it travels with its id. */
type Part = { readonly key: string; readonly payload: Buffer } | undefined;

const batchCount = 256;
const batchBytes = 4 * 1024 * 1024;
/** A payload whose id could not be published for so long is stored anew: a sweep may take the old one. */
const republishMs = 60_000;
/** A server at its maxmemory, or with a full disk, does not say when it has room again. */
const memoryLookMs = 25;

/**
 * The publishes of one topic, in order. Those of one tick, and those that come while a batch is on its way, go together:
 * payloads first, then one script.
 */
export class Publisher {
  readonly #topic: string;
  readonly #open: () => Promise<Connections>;
  #connections: Connections | undefined;
  readonly #nextToken = messageIdSource();
  #queue: Waiting[] = [];
  #working = false;
  /** Size of the next batch: it begins with one again where a batch itself was too much for a server's memory. */
  #most = batchCount;
  /** The server that had no room, if one had none. */
  #withoutRoom: string | undefined;

  constructor(topic: string, open: () => Promise<Connections>) {
    this.#topic = topic;
    this.#open = open;
  }

  push(message: OutgoingMessage, signal: AbortSignal | undefined): Promise<PushReceipt> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        waiting.settled = true;
        reject(signal?.reason as Error);
      };
      const waiting: Waiting = {
        message,
        token: this.#nextToken(),
        settled: false,
        resolve: (receipt) => {
          signal?.removeEventListener('abort', cancel);
          resolve(receipt);
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', cancel);
          reject(reason);
        },
      };
      if (signal?.aborted) {
        cancel();
        return;
      }
      signal?.addEventListener('abort', cancel);
      this.#queue.push(waiting);
      if (!this.#working) {
        this.#working = true;
        queueMicrotask(() => void this.#work());
      }
    });
  }

  async #work(): Promise<void> {
    try {
      this.#connections ??= await this.#open();
      while (this.#queue.length > 0) {
        const batch = this.#nextBatch();
        if (batch.length === 0) continue;
        const done = await this.#publish(batch);
        if (done > 0) this.#most = Math.min(batchCount, 2 * this.#most);
        if (done < batch.length) {
          this.#queue.unshift(...batch.slice(done));
          await this.#waitForRoom();
        }
      }
    } catch (error) {
      for (const { reject } of this.#queue.splice(0)) reject(error as Error);
    } finally {
      this.#working = false;
    }
  }

  #nextBatch(): Waiting[] {
    const most = Math.min(this.#most, this.#context.dedupeWindow);
    const batch: Waiting[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      if (!waiting.settled) {
        bytes += messageBytes(waiting.message);
        if (batch.length === most || (batch.length > 0 && bytes > batchBytes)) break;
        batch.push(waiting);
      }
      taken++;
    }
    this.#queue.splice(0, taken);
    return batch;
  }

  /** Publishes and settles the batch from its first message on; returns how many found room. */
  async #publish(batch: readonly Waiting[]): Promise<number> {
    const { control, blobs, closed } = this.#context;
    try {
      for (;;) {
        const parts = await this.#store(batch);
        if (parts.length === 0) return 0;
        const stored = performance.now();
        const ready = batch.slice(0, parts.length);
        while (performance.now() - stored < republishMs) {
          try {
            const reply = await control.run(commands.push, this.#keys, this.#values(ready, parts));
            return await this.#settle(ready, reply, parts);
          } catch (error) {
            if (error instanceof NoRoom) {
              this.#refusedBy(control);
              await blobs.remove(parts.filter((part) => part !== undefined));
              return 0;
            }
            if (!(error instanceof LinkLost)) throw error;
          }
          await control.retry(closed);
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
      return batch.length;
    }
  }

  /** Stores the large payloads of the batch; returns a part for each message that may be published now. */
  async #store(batch: readonly Waiting[]): Promise<Part[]> {
    const { data, blobs, keys, inlineBytes, closed } = this.#context;
    // A new name for each try: two of them must not share a payload.
    const parts = batch.map(({ message }) => {
      const payload = toBuffer(message.payload);
      return payload.length > inlineBytes ? { key: keys.blob(this.#topic, message.id, this.#nextToken()), payload } : undefined;
    });
    const large = parts.filter((part) => part !== undefined);
    if (large.length === 0) return parts;
    const stored = await data.persist(() => blobs.put(large), closed);
    const refused = large[stored];
    if (!refused) return parts;
    this.#refusedBy(data);
    await blobs.remove(large.slice(stored));
    return parts.slice(0, parts.indexOf(refused));
  }

  #values(batch: readonly Waiting[], parts: readonly Part[]): (string | Buffer | number)[] {
    const values: (string | Buffer | number)[] = [this.#topic, this.#context.dedupeWindow, defaultMaxBytes];
    for (const [i, { message, token }] of batch.entries()) values.push(message.id, writeRecord(message, parts[i]?.key, token));
    return values;
  }

  async #settle(batch: readonly Waiting[], reply: unknown, parts: readonly Part[]): Promise<number> {
    const [seqs, trash] = asList(reply);
    this.#context.blobs.discard(blobKeys(trash));
    let done = 0;
    for (const result of asList(seqs)) {
      const seq = Number(result);
      if (seq === 0) break;
      batch[done++]?.resolve({ seq: Math.abs(seq), duplicate: seq < 0 });
    }
    // While it waits, a payload neither takes memory nor can look like one whose id never came.
    if (done < batch.length) await this.#context.blobs.remove(parts.slice(done, batch.length).filter((part) => part !== undefined));
    return done;
  }

  #refusedBy({ address }: RedisLink): void {
    this.#withoutRoom = address;
    this.#most = 1;
  }

  /** Waits, or rejects what waits where the topic says so. */
  async #waitForRoom(): Promise<void> {
    const { control, bell, keys, closed } = this.#context;
    const channel = keys.bell(this.#topic);
    while (this.#queue.some(({ settled }) => !settled)) {
      await bell.listen(channel);
      const count = bell.count(channel);
      const [room, onFull, maxBytes] = asList(await control.persist(() => control.run(commands.room, this.#keys, []), closed));
      const short = this.#withoutRoom;
      this.#withoutRoom = undefined;
      if (onFull !== undefined && asBuffer(onFull).toString() === 'reject' && (short !== undefined || room === 0)) {
        const error =
          short === undefined
            ? topicFull(this.#topic, Number(asBuffer(maxBytes).toString()))
            : new EdgeFlowError(
                'BROKER_FULL',
                `topic '${this.#topic}': the ${short} is at its maxmemory, or its disk is full. Raise it, free disk space, or lower maxBytes of the topics`,
              );
        for (const { reject } of this.#queue.splice(0)) reject(error);
        return;
      }
      if (room === 1 && short === undefined) return;
      if (short !== undefined)
        warnWaiting(short, `the ${short} takes nothing more: its maxmemory is reached, or its disk is full. Publishes wait`);
      await bell.wait(channel, count, short === undefined ? Infinity : memoryLookMs, closed);
      closed.throwIfAborted();
    }
  }

  get #context(): Connections {
    if (!this.#connections) throw new Error('a publisher works before it is connected');
    return this.#connections;
  }

  get #keys(): string[] {
    const { keys } = this.#context;
    return [keys.topic(this.#topic), keys.trash, keys.topics];
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
