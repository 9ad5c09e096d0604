import type { EdgeFlowError } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import type { Publication } from '../broker.js';
import { messageBytes, topicFull } from '../options.js';
import type { StoredLog } from './storedLog.js';

export type Logs = (topic: string) => StoredLog | undefined;

/** What a gate knows of the store. */
export interface GateOptions {
  readonly logs: Logs;
  /** Bytes until the whole store is full. */
  readonly room: () => number;
  /** Why nothing can be stored at all: the file system is full. */
  readonly noRoom: EdgeFlowError | undefined;
}

/**
 * Lets those publish, in their order, for whose messages there is room. Who has to wait holds up those behind it that
 * publish to one of its topics, and no others: they may be what makes the room. A message that is known adds nothing, and
 * waits for nothing.
 */
export class Gate {
  /** Topics for whose room somebody waits. */
  readonly full = new Set<string>();
  readonly #options: GateOptions;
  readonly #held = new Set<string>();
  readonly #spent = new Map<string, number>();
  #allSpent = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Whether messages that belong together may be published now; an error where their topic rejects. */
  check(publications: readonly Publication[]): boolean | EdgeFlowError {
    const { logs, noRoom } = this.#options;
    for (const { topic, message } of publications) {
      const held = this.#held.has(topic);
      if ((!held && !this.isFull(topic)) || this.knows(topic, message)) continue;
      const log = logs(topic);
      if (!held && log?.onFull === 'reject') return noRoom ?? topicFull(topic, log.maxBytes);
      if (!held) this.full.add(topic);
      this.hold(publications);
      return false;
    }
    return true;
  }

  /** Holds up those that come next for these topics. */
  hold(publications: readonly Publication[]): void {
    for (const { topic } of publications) this.#held.add(topic);
  }

  isFull(topic: string): boolean {
    const { logs, room, noRoom } = this.#options;
    if (noRoom) return true;
    const log = logs(topic);
    return log !== undefined && log.hasGroups && (log.room <= (this.#spent.get(topic) ?? 0) || room() <= this.#allSpent);
  }

  /** Counts a message that will be stored, where the logs do not count it yet. */
  spend(topic: string, message: OutgoingMessage): void {
    const bytes = messageBytes(message);
    this.#spent.set(topic, (this.#spent.get(topic) ?? 0) + bytes);
    this.#allSpent += bytes;
  }

  knows(topic: string, { id }: OutgoingMessage): boolean {
    return this.#options.logs(topic)?.known(id) !== undefined;
  }
}
