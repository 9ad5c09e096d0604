import type { Commit, CommitResult } from '../broker.js';
import { Committer } from './committer.js';
import type { HeadOf } from './committer.js';
import type { Connections } from './connections.js';

/** The last commit that publishes to a topic. */
interface Last {
  readonly lane: string;
  /** Resolves when it is in its lane's queue; undefined once it is. */
  entering: Promise<unknown> | undefined;
  /** Resolves when it is settled. */
  ended: Promise<unknown>;
}

/**
 * The commits of a client. Those that publish to the same topics share a lane and keep their order there; a lane that
 * waits for room holds up no other, whose commits may be what makes it.
 */
export class CommitLanes {
  readonly #open: () => Promise<Connections>;
  readonly #headOf: HeadOf;
  readonly #lanes = new Map<string, Committer>();
  readonly #last = new Map<string, Last>();

  constructor(open: () => Promise<Connections>, headOf: HeadOf) {
    this.#open = open;
    this.#headOf = headOf;
  }

  commit(commit: Commit, signal: AbortSignal | undefined): Promise<CommitResult> {
    const topics = [...new Set(commit.messages.map(({ topic }) => topic))].sort();
    const lane = topics.join(' ');
    const before = topics.flatMap((topic) => this.#last.get(topic) ?? []);
    // Of another lane its end counts, of the same that it stands in the queue.
    const waits = before.flatMap((last) => (last.lane === lane ? (last.entering ?? []) : last.ended));
    const enter = (): Promise<CommitResult> => this.#committer(lane).commit(commit, signal);
    const last: Last = { lane, entering: undefined, ended: Promise.resolve() };
    let result: Promise<CommitResult>;
    if (waits.length === 0) result = enter();
    else {
      const entered = Promise.all(waits).then(() => {
        last.entering = undefined;
        return { result: enter() };
      });
      last.entering = entered;
      result = entered.then((inQueue) => inQueue.result);
    }
    last.ended = result.catch(() => undefined);
    for (const topic of topics) this.#last.set(topic, last);
    return result;
  }

  #committer(lane: string): Committer {
    let committer = this.#lanes.get(lane);
    if (!committer) this.#lanes.set(lane, (committer = new Committer(this.#open, this.#headOf)));
    return committer;
  }
}
