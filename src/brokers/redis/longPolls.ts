import { codeOf } from '../../errors.js';
import { onAbort } from '../onAbort.js';
import type { Command } from './command.js';
import type { Argument } from './encode.js';
import type { RedisLink } from './link.js';
import { unlessAborted } from './wait.js';

/** A poll ends after so long at most: what it missed is made good then. Less than the silence that breaks a connection. */
const longestMs = 5_000;
/** Each poll has a connection of its own while it lasts. */
const mostConnections = 16;
/** No connection has this id. */
const nobody = 0;
/** While a poll is on its way to the server, there is nothing to end yet. */
const endAgainMs = 20;

/** A wait for a topic's next ring. */
export interface LongPoll {
  readonly link: RedisLink;
  /** Where the rings are. */
  readonly key: string;
  /** How many there were. */
  readonly count: number;
  /** How long it waits at most. */
  readonly ms: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Connections that wait for a topic's next ring with a script behind the wait. The server runs it in the turn that rang: a
 * message is published and taken in one, with one sync to disk where each turn is synced, and without a way forth and back
 * between the two.
 */
export class LongPolls {
  readonly #make: () => RedisLink;
  readonly #control: RedisLink;
  readonly #all = new Set<RedisLink>();
  readonly #idle: RedisLink[] = [];
  readonly #lasting = new Set<LongPoll>();
  /** Whether the server's user may not wait so, or not end a wait. */
  #refused = false;

  /** @param make - makes a further connection to the control plane. */
  constructor(control: RedisLink, make: () => RedisLink) {
    this.#control = control;
    this.#make = make;
  }

  /** A connection for a poll; undefined where there is none for now, and the bell has to do. */
  async open(signal: AbortSignal | undefined): Promise<RedisLink | undefined> {
    const opening = this.#open();
    const link = await unlessAborted(opening, signal);
    if (!signal?.aborted) return link;
    void opening.then((late) => {
      if (late) this.close(late);
    });
    return undefined;
  }

  /** Gives a connection back. */
  close(link: RedisLink): void {
    this.#idle.push(link);
  }

  async #open(): Promise<RedisLink | undefined> {
    if (this.#refused) return undefined;
    const idle = this.#idle.findLastIndex(({ ready, id }) => ready && id !== undefined);
    if (idle >= 0) return this.#idle.splice(idle, 1)[0];
    if (this.#all.size >= mostConnections) return undefined;
    const link = this.#make();
    this.#all.add(link);
    try {
      await link.connect(() => unblock(link, nobody));
      if (link.id !== undefined) return link;
      this.#refused = true;
    } catch (error) {
      // What else there is to say of the server is said of the other connections.
      this.#refused = codeOf(error) === 'BROKER_AUTH';
    }
    link.close();
    this.#all.delete(link);
    return undefined;
  }

  /**
   * Waits, then runs a script, and resolves to its reply.
   *
   * @throws LinkLost where it is not known whether it ran; {@link endLost} is to come before a script that must not be followed by it.
   */
  async run(poll: LongPoll, command: Command, keys: readonly string[], values: readonly Argument[]): Promise<unknown> {
    const { link, key, count, ms, signal } = poll;
    const blockMs = Math.max(1, Math.ceil(Math.min(ms, longestMs)));
    this.#lasting.add(poll);
    const forget = onAbort(signal, () => void this.interrupt(poll));
    try {
      const waiting = link.send((client) => client.call('XREAD', 'BLOCK', blockMs, 'STREAMS', key, `${count}-0`));
      const [waited, reply] = await Promise.allSettled([waiting, link.run(command, keys, values)]);
      if (reply.status === 'rejected') throw reply.reason as Error;
      if (waited.status === 'rejected') this.#refused = true;
      return reply.value;
    } finally {
      this.#lasting.delete(poll);
      forget();
    }
  }

  /** Has a poll wait no longer; its script then runs. */
  async interrupt(poll: LongPoll): Promise<void> {
    const { id } = poll.link;
    while (this.#lasting.has(poll) && id !== undefined) {
      await unblock(this.#control, id).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, endAgainMs));
    }
  }

  interruptAll(): void {
    for (const poll of this.#lasting) void this.interrupt(poll);
  }

  /** Has the server end polls that were lost here and may last there, before what is sent to it from now on. */
  endLost(): void {
    for (const link of this.#all) link.endFormer(this.#control);
  }

  disconnect(): void {
    for (const link of this.#all) link.close();
  }
}

function unblock(link: RedisLink, id: number): Promise<unknown> {
  return link.send((client) => client.call('CLIENT', 'UNBLOCK', id));
}
