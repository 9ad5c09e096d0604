import type { Command } from './command.js';
import type { Connections } from './connections.js';
import type { Argument } from './encode.js';
import type { LongPoll } from './longPolls.js';
import { unlessAborted } from './wait.js';

/** What is known of a topic by a take that found nothing there. */
interface Silence {
  /** How often the topic rang, as the server counts; below 0 where others share what comes, and each ring would end the polls of all. */
  readonly rings: number;
  /** How often the bell was heard before the take. */
  readonly heard: number;
  /** How long to wait at most. */
  readonly ms: number;
  readonly signal: AbortSignal | undefined;
}

/** Runs the script that takes messages for one consumer, one at a time: at once, or at the end of a poll. */
export class Taker {
  readonly #command: Command;
  readonly #topic: string;
  readonly #context: Connections;
  #last: Promise<unknown> = Promise.resolve();
  /** Works that have not begun. */
  #queued = 0;
  /** A consumer has one poll at most. */
  #polling = false;
  #lasting: LongPoll | undefined;
  /** Whether the bell is heard. */
  #listening = false;

  constructor(command: Command, topic: string, context: Connections) {
    this.#command = command;
    this.#topic = topic;
    this.#context = context;
  }

  /**
   * One after the other: while a reply is on its way, nobody may take its messages back. A poll does not hold up who comes.
   *
   * @param poll - what the work waits for; over after it.
   */
  serially<T>(work: () => Promise<T>, poll: LongPoll | undefined): Promise<T> {
    const { polls } = this.#context;
    this.#queued++;
    if (this.#lasting) void polls.interrupt(this.#lasting);
    const result = this.#last.then(async () => {
      this.#queued--;
      try {
        return await work();
      } finally {
        if (poll) {
          this.#polling = false;
          polls.close(poll.link);
        }
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /**
   * After a take that found nothing: resolves to a poll that the next one is to wait for; or, where the bell has to do, to undefined
   * once there may be something.
   */
  async wait({ rings, heard, ms, signal }: Silence): Promise<LongPoll | undefined> {
    const { bell, keys } = this.#context;
    const poll = await this.#poll(rings, ms, signal);
    if (poll) return poll;
    const channel = keys.bell(this.#topic);
    // What rang before it listened is found by one more take.
    if (this.#listening) await bell.wait(channel, heard, ms, signal);
    else await unlessAborted(bell.listen(channel), signal);
    this.#listening = true;
    return undefined;
  }

  async #poll(count: number, ms: number, signal: AbortSignal | undefined): Promise<LongPoll | undefined> {
    if (this.#polling || count < 0) return undefined;
    this.#polling = true;
    const { polls, keys } = this.#context;
    const link = await polls.open(signal);
    this.#polling = link !== undefined;
    return link && { link, key: keys.rings(this.#topic), count, ms, signal };
  }

  async run(values: readonly Argument[], poll: LongPoll | undefined): Promise<unknown> {
    const { control, polls, keys } = this.#context;
    const topicKeys = [keys.topic(this.#topic), keys.trash];
    // A poll that was lost must not take anything after this take.
    polls.endLost();
    if (!poll || this.#queued > 0 || poll.signal?.aborted) return control.run(this.#command, topicKeys, values);
    this.#lasting = poll;
    try {
      return await polls.run(poll, this.#command, topicKeys, values);
    } finally {
      this.#lasting = undefined;
    }
  }
}
