import type { OutgoingMessage } from '../../message.js';
import type { PushReceipt } from '../broker.js';
import { defaultMaxBytes } from '../options.js';
import { blobKeys } from './blobs.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { Outbox } from './outbox.js';
import type { Outcome, Waiting } from './outbox.js';
import { writeRecord } from './record.js';
import { asList } from './reply.js';

/** The pushes of a client to one topic. */
export class Publisher extends Outbox<PushReceipt> {
  readonly #topic: string;

  constructor(topic: string, open: () => Promise<Connections>) {
    super(open);
    this.#topic = topic;
  }

  push(message: OutgoingMessage, signal: AbortSignal | undefined): Promise<PushReceipt> {
    return this.add({ acks: [], messages: [{ topic: this.#topic, message }] }, signal);
  }

  protected async send(batch: readonly Waiting<PushReceipt>[]): Promise<Outcome> {
    const { control, blobs, keys, dedupeWindow } = this.context;
    const values: (string | Buffer | number)[] = [dedupeWindow, defaultMaxBytes, this.#topic];
    for (const { commit, parts, token } of batch)
      for (const [i, { message }] of commit.messages.entries()) values.push(message.id, writeRecord(message, parts[i]?.key, token));
    const [seqs, trash] = asList(await control.run(commands.push, [keys.topic(this.#topic), keys.trash, keys.topics], values));
    blobs.discard(blobKeys(trash));
    let done = 0;
    const runs = asList(seqs).map(Number);
    for (let run = 0; run < runs.length; run += 2) {
      const [first = 0, count = 0] = runs.slice(run, run + 2);
      if (first === 0) break;
      for (let seq = first; seq < first + count; seq++) batch[done++]?.resolve({ seq: Math.abs(seq), duplicate: seq < 0 });
    }
    return { done, full: this.#topic };
  }

  /** All of them, for they find the same. */
  protected refused(queue: Waiting<PushReceipt>[]): Waiting<PushReceipt>[] {
    return queue.splice(0);
  }
}
