import { EdgeFlowError, hasCode } from '../../errors.js';
import { checksum } from '../checksum.js';
import type { Commit, CommitResult } from '../broker.js';
import { messageBytes, topicFull, topicUndeclared } from '../options.js';
import type { Change } from './change.js';
import { inlineBytes } from './entry.js';
import { cramped } from './pushQueue.js';
import type { Store } from './store.js';
import type { StoredLog } from './storedLog.js';

interface Waiting {
  readonly commit: Commit;
  readonly topics: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
  /** Of each message, taken outside the transaction: all processes share its lock. */
  readonly checksums: readonly number[];
  /** Where each payload was put, when it is too large for its entry. */
  payloadKeys: (Buffer | undefined)[];
  resolve(result: CommitResult): void;
  reject(error: unknown): void;
}

/** What stands in the way of a commit. */
interface Blocked {
  readonly topic: string;
  readonly rejects: boolean;
  readonly error: EdgeFlowError;
}

const batchBytes = 8 * 1024 * 1024;

/** What a queue gets from its broker. */
export interface CommitQueueOptions {
  readonly store: Store;
  readonly dedupeWindow: number;
  /** Aborted, with the error for those who still wait, when the broker is closed. */
  readonly closing: AbortSignal;
}

/**
 * The commits of one client: payloads first, then tickets and entries in one transaction, then the bells. One that finds
 * a topic full holds up those behind it that publish there too, and no others: they may be what makes the room.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: Waiting[] = [];
  #running = false;
  #wake: (() => void) | undefined;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  push(commit: Commit, signal: AbortSignal | undefined): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      const wake = (): void => this.#wake?.();
      signal?.addEventListener('abort', wake);
      const settled = (): void => signal?.removeEventListener('abort', wake);
      // An aborted commit rejects with the signal's reason, which need not be an Error.
      const fail: (reason: unknown) => void = reject;
      this.#waiting.push({
        commit,
        topics: new Set(commit.messages.map(({ topic }) => topic)),
        signal,
        checksums: commit.messages.map(({ message }) => checksum(message)),
        payloadKeys: [],
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: (error) => {
          settled();
          fail(error);
        },
      });
      wake();
      if (this.#running) return;
      this.#running = true;
      // Commits of one tick go together.
      void Promise.resolve().then(() => this.#run());
    });
  }

  async #run(): Promise<void> {
    const { store, closing } = this.#options;
    while (this.#waiting.length > 0) {
      const topics = [...new Set(this.#waiting.flatMap((waiting) => [...waiting.topics]))];
      const heard = topics.map((topic) => store.bells.heard(topic, ['space']));
      const arrived = this.#waiting.length;
      const { batch, blocked } = this.#take();
      const full = batch.length > 0 ? await this.#commit(batch) : blocked;
      if (full.size === 0) continue;
      // Only a watch that was begun before the last look misses nothing.
      if ([...full].some((topic) => store.bells.watch(topic, ['space']))) continue;
      if (this.#waiting.length > arrived) continue;
      const abort = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        ...[...full].map((topic) =>
          store.bells.wait(topic, ['space'], Infinity, heard[topics.indexOf(topic)] ?? 0, [closing, abort.signal]),
        ),
      ]);
      this.#wake = undefined;
      abort.abort();
    }
    this.#running = false;
  }

  /** The next commits that may go together, in their order, and the topics that others wait for. */
  #take(): { readonly batch: readonly Waiting[]; readonly blocked: ReadonlySet<string> } {
    const { store, closing } = this.#options;
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    const blocked = new Set<string>();
    let bytes = 0;
    store.view((_, log) => {
      for (const waiting of this.#waiting) {
        const more = waiting.commit.messages.reduce((sum, { message }) => sum + messageBytes(message), 0);
        if (closing.aborted) waiting.reject(closing.reason);
        else if (waiting.signal?.aborted) waiting.reject(waiting.signal.reason);
        else {
          const behind = [...waiting.topics].some((topic) => blocked.has(topic));
          const full = behind ? undefined : this.#obstacle(waiting, log);
          if (full?.rejects) waiting.reject(full.error);
          else if (full || behind || (bytes > 0 && bytes + more > batchBytes)) {
            if (full || behind) for (const topic of waiting.topics) blocked.add(topic);
            rest.push(waiting);
          } else {
            batch.push(waiting);
            bytes += more;
          }
        }
      }
    });
    this.#waiting = rest;
    return { batch, blocked };
  }

  /** What a commit would have to wait for. */
  #obstacle({ commit }: Waiting, log: (topic: string) => StoredLog | undefined, storedBytes = 0): Blocked | undefined {
    const { store } = this.#options;
    for (const { topic, message } of commit.messages) {
      const found = log(topic);
      if (found?.known(message.id) !== undefined) continue;
      const rejects = found?.onFull === 'reject';
      if (store.cramped) return { topic, rejects, error: cramped(store.directory) };
      if (found && (found.full || (found.hasGroups && storedBytes >= store.format.maxBytes)))
        return { topic, rejects, error: topicFull(topic, found.full ? found.maxBytes : store.format.maxBytes) };
    }
    return undefined;
  }

  /** @returns topics for whose room the file system, not the topic, must wait. */
  async #commit(batch: readonly Waiting[]): Promise<ReadonlySet<string>> {
    const { store } = this.#options;
    let outcomes: readonly (CommitResult | Blocked | EdgeFlowError | undefined)[];
    try {
      await this.#writePayloads(batch);
      outcomes = await store.change((change) => this.#apply(change, batch));
    } catch (error) {
      this.#takeBack(batch);
      const waits = (waiting: Waiting): boolean =>
        hasCode(error, 'BROKER_FULL') && store.view((_, log) => [...waiting.topics].every((topic) => log(topic)?.onFull !== 'reject'));
      const again = batch.filter(waits);
      for (const waiting of batch) if (!again.includes(waiting)) waiting.reject(error);
      this.#waiting.unshift(...again);
      return new Set(again.flatMap(({ topics }) => [...topics]));
    }
    const again: Waiting[] = [];
    for (const [index, waiting] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome && 'committed' in outcome) {
        if (!outcome.committed) this.#takeBack([waiting]);
        waiting.resolve(outcome);
        continue;
      }
      this.#takeBack([waiting]);
      if (outcome instanceof EdgeFlowError) waiting.reject(outcome);
      else if (outcome?.rejects) waiting.reject(outcome.error);
      else again.push(waiting);
    }
    this.#waiting.unshift(...again);
    return new Set();
  }

  async #writePayloads(batch: readonly Waiting[]): Promise<void> {
    const { store } = this.#options;
    const large = batch.flatMap((waiting) =>
      waiting.commit.messages.flatMap(({ message }, index) =>
        message.payload.length > inlineBytes ? { waiting, index, payload: message.payload } : [],
      ),
    );
    if (large.length === 0) return;
    const keys = await store.payloads.write(
      large.map(({ payload }) => payload),
      store.synced,
    );
    for (const [at, { waiting, index }] of large.entries()) waiting.payloadKeys[index] = keys[at];
  }

  /** All of a commit or nothing; undefined where it must be tried once more, since a sweep took its payload. */
  #apply(change: Change, batch: readonly Waiting[]): (CommitResult | Blocked | EdgeFlowError | undefined)[] {
    const blocked = new Set<string>();
    return batch.map((waiting) => {
      const outcome = [...waiting.topics].some((topic) => blocked.has(topic)) ? undefined : this.#applyOne(change, waiting);
      if (!outcome || 'topic' in outcome) for (const topic of waiting.topics) blocked.add(topic);
      return outcome;
    });
  }

  #applyOne(change: Change, waiting: Waiting): CommitResult | Blocked | EdgeFlowError | undefined {
    const { store, dedupeWindow } = this.#options;
    const { acks, messages } = waiting.commit;
    const fenced: CommitResult['fenced'][number][] = [];
    for (const { topic, group, consumer, tickets } of acks) {
      const log = change.log(topic);
      if (!log?.hasGroup(group)) return topicUndeclared(topic, log ? `group '${group}'` : 'declaration');
      const owner = log.consumer(group, consumer);
      for (const { seq, token } of tickets) if (!log.owns(group, owner, { seq, token })) fenced.push({ seq, token, topic });
    }
    if (fenced.length > 0) return { committed: false, fenced };
    const obstacle = this.#obstacle(waiting, (topic) => change.log(topic), change.bytes);
    if (obstacle) return obstacle;
    if (waiting.payloadKeys.some((key) => key && store.payloads.lost(key))) return undefined;
    for (const [index, { topic, message }] of messages.entries()) {
      const { duplicate } = change.logOrNew(topic, dedupeWindow).push(message, waiting.payloadKeys[index], waiting.checksums[index] ?? 0);
      if (!duplicate) change.ring(topic, 'news');
    }
    for (const { topic, group, consumer, tickets } of acks) {
      const log = change.log(topic);
      const owner = log?.consumer(group, consumer);
      for (const ticket of tickets) log?.ack(group, owner, ticket);
      change.ring(topic, 'space');
    }
    return { committed: true, fenced: [] };
  }

  /** Payloads of commits that did not happen: no sweep may find them without an entry. */
  #takeBack(batch: readonly Waiting[]): void {
    const written = batch.flatMap(({ payloadKeys }) => payloadKeys.flatMap((key) => key ?? []));
    for (const waiting of batch) waiting.payloadKeys = [];
    this.#options.store.payloads.remove(written);
  }
}
