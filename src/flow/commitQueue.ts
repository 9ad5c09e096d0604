import type { Broker, CommitResult } from '../brokers/broker.js';
import { hasCode } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { pause } from './insist.js';
import { asOne } from './pendingCommit.js';
import type { PendingCommit } from './pendingCommit.js';

/** A batch is stored as a whole, beyond `maxBytes` if need be: so it is kept small. */
const mostCommits = 64;
const mostBytes = 256 * 1024;

/** What a broker says of messages that it will not take, however often it is asked. */
const refusals: readonly ErrorCode[] = ['BROKER_FULL', 'MESSAGE_TOO_LARGE', 'VALUE_INVALID', 'TOPIC_UNDECLARED'];

const queues = new WeakMap<Broker, CommitQueue>();

/** The one queue of a broker: order holds over all sources of the process. */
export function commitQueueOf(broker: Broker): CommitQueue {
  let queue = queues.get(broker);
  if (!queue) queues.set(broker, (queue = new CommitQueue(broker)));
  return queue;
}

/**
 * Commits in batches. What is published to a topic keeps the order in which the deliveries settled; commits that have no
 * topic in common may overtake each other, as one may make the room that the other waits for.
 */
export class CommitQueue {
  readonly #broker: Broker;
  #waiting: PendingCommit[] = [];
  /** Topics that a commit under way publishes to. */
  readonly #busy = new Set<string>();
  #scheduled = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Commits with the next batch; tries again while the broker can't be reached. */
  add(commit: PendingCommit): void {
    this.#waiting.push(commit);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // What settles in this turn of the event loop joins the first batch.
    setImmediate(() => {
      this.#scheduled = false;
      this.#startAll();
    });
  }

  #startAll(): void {
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) void this.#run(batch);
  }

  /** The oldest commit whose topics are free, with those of the same topics that follow. */
  #nextBatch(): PendingCommit[] {
    const batch: PendingCommit[] = [];
    const rest: PendingCommit[] = [];
    const blocked = new Set(this.#busy);
    let bytes = 0;
    const fits = ({ topics, bytes: more }: PendingCommit): boolean => {
      const [first] = batch;
      if (!first) return true;
      return batch.length < mostCommits && bytes + more <= mostBytes && [...topics].every((topic) => first.topics.has(topic));
    };
    for (const commit of this.#waiting) {
      if (fits(commit) && ![...commit.topics].some((topic) => blocked.has(topic))) {
        batch.push(commit);
        bytes += commit.bytes;
      } else {
        rest.push(commit);
        for (const topic of commit.topics) blocked.add(topic);
      }
    }
    this.#waiting = rest;
    return batch;
  }

  async #run(batch: readonly PendingCommit[]): Promise<void> {
    const topics = batch.flatMap((commit) => [...commit.topics]);
    for (const topic of topics) this.#busy.add(topic);
    await this.#settle(batch);
    for (const topic of topics) this.#busy.delete(topic);
    this.#startAll();
  }

  /** Insists until each commit has its outcome. */
  async #settle(commits: readonly PendingCommit[]): Promise<void> {
    for (let left = commits; left.length > 0;) {
      let result: CommitResult;
      try {
        result = await untilCut(left, (signal) => this.#broker.commit(asOne(left), { signal }));
      } catch (error) {
        const [first] = left;
        if (refusals.some((code) => hasCode(error, code))) {
          if (first && left.length === 1) first.refused(error);
          else await this.#settleEach(left);
          return;
        }
        const given = left.filter((commit) => hasCode(error, 'BROKER_CLOSED') || commit.cut);
        for (const commit of given) commit.dropped();
        left = left.filter((commit) => !given.includes(commit));
        if (given.length === 0) await untilCut(left, pause);
        continue;
      }
      const [first] = left;
      if (result.committed) for (const commit of left) commit.committed();
      else if (first && left.length === 1) first.dropped(result.fenced);
      else await this.#settleEach(left);
      return;
    }
  }

  /** One by one, so that what stands in the way of one does not stand in that of the others. */
  async #settleEach(commits: readonly PendingCommit[]): Promise<void> {
    for (const commit of commits) await this.#settle([commit]);
  }
}

/** Gives `work` a signal that is aborted when a source has ended that takes part in one of the commits. */
async function untilCut<R>(commits: readonly PendingCommit[], work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const signals = new Set(commits.flatMap(({ parts }) => parts.map(({ cut }) => cut)));
  const any = new AbortController();
  const abort = (): void => any.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  }
  try {
    return await work(any.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
