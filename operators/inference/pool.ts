import { resolve } from 'node:path';
import { readOnnxMetadata } from '../models/onnxMetadata.js';
import { resolveModel } from '../models/resolveModel.js';
import type { ResolvedModel } from '../models/resolveModel.js';
import { InferenceThread, notRun } from './inferenceThread.js';
import { JobQueue } from './jobQueue.js';
import type { BatchBudget } from './jobQueue.js';
import type { KindName, Kinds, OpenedSession } from './protocol.js';
import type { Provider } from './providers.js';

/** What tells one pool from another. */
export interface PoolSettings<K extends KindName> {
  readonly kind: K;
  /** A path or a name of the registry. */
  readonly model: string;
  /** Number of threads, each with a session of its own. */
  readonly workers: number;
  /** In the order of choice. */
  readonly providers: readonly Provider[];
  /** How jobs share runs. */
  readonly batch: BatchBudget;
  readonly options: Kinds[K]['options'];
}

/** A model that is loaded in all threads of a pool. */
export interface OpenModel<K extends KindName> extends ResolvedModel, OpenedSession<K> {
  /** What the file says of itself, such as `names`, unparsed. */
  readonly metadata: ReadonlyMap<string, string>;
}

interface Waiting<K extends KindName> {
  readonly job: Kinds[K]['job'];
  readonly resolve: (result: Kinds[K]['result']) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A model on a few worker threads. Jobs go to whichever is idle, several together where the budget says so; a thread
 * that crashes fails its jobs and is replaced. When a model cannot be loaded, first or again, the pool has failed as a
 * whole.
 */
export class InferencePool<K extends KindName> {
  readonly opened: Promise<OpenModel<K>>;
  /** Rejects when the pool has failed; never resolves. */
  readonly failed: Promise<never>;
  /** @internal for tests that kill them */
  readonly threads = new Set<InferenceThread<K>>();
  /** @internal told how many jobs each run has, for tests */
  onRun: (jobs: number) => void = () => undefined;
  readonly #abort = new AbortController();
  readonly #idle: InferenceThread<K>[] = [];
  readonly #queue: JobQueue<Waiting<K>>;
  #fail: (error: unknown) => void = () => undefined;

  constructor(settings: PoolSettings<K>) {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#queue = new JobQueue(settings.batch, () => {
      this.#dispatch();
    });
    this.opened = this.#open(settings);
    this.opened.catch(this.#fail);
  }

  /** What the model gives for a job. */
  run(job: Kinds[K]['job'], signal: AbortSignal): Promise<Kinds[K]['result']> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const stopListening = (): void => {
        signal.removeEventListener('abort', forget);
      };
      const waiting: Waiting<K> = {
        job,
        resolve: (result) => {
          stopListening();
          resolve(result);
        },
        reject: (error) => {
          stopListening();
          reject(error);
        },
      };
      const forget = (): void => {
        if (this.#queue.remove(waiting)) reject(signal.reason as Error);
      };
      signal.addEventListener('abort', forget, { once: true });
      this.#queue.add(waiting);
      this.#dispatch();
    });
  }

  /** Ends the threads after the runs that are under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#queue.close();
    await Promise.all([...this.threads].map((thread) => thread.close()));
  }

  async #open({ kind, model, workers, providers, batch, options }: PoolSettings<K>): Promise<OpenModel<K>> {
    const { signal } = this.#abort;
    const resolved = await resolveModel(model, { signal });
    const metadata = await readOnnxMetadata(resolved.path);
    signal.throwIfAborted();
    const create = (): InferenceThread<K> => new InferenceThread({ kind, path: resolved.path, providers, maxBatch: batch.max, options });
    const start = (): Promise<OpenedSession<K>> => this.#start(create);
    const [opened] = await Promise.all([start(), ...Array.from({ length: workers - 1 }, start)]);
    return { ...resolved, ...opened, metadata };
  }

  async #start(create: () => InferenceThread<K>): Promise<OpenedSession<K>> {
    const thread = create();
    this.threads.add(thread);
    void thread.ended.then(() => {
      this.threads.delete(thread);
      if (this.#idle.includes(thread)) this.#idle.splice(this.#idle.indexOf(thread), 1);
    });
    const opened = await thread.ready;
    // Only a thread that once worked is replaced: one that cannot load its model would be started for ever.
    void thread.ended.then(() => {
      if (!this.#abort.signal.aborted) this.#start(create).catch(this.#fail);
    });
    this.#giveBack(thread);
    return opened;
  }

  #dispatch(): void {
    while (this.#idle.length > 0) {
      const jobs = this.#queue.take();
      const thread = jobs.length > 0 ? this.#idle.pop() : undefined;
      if (!thread) return;
      void this.#runOn(thread, jobs);
    }
  }

  async #runOn(thread: InferenceThread<K>, waiting: readonly Waiting<K>[]): Promise<void> {
    await this.#answer(thread, waiting);
    this.#giveBack(thread);
  }

  async #answer(thread: InferenceThread<K>, waiting: readonly Waiting<K>[]): Promise<void> {
    this.onRun(waiting.length);
    try {
      const outcomes = await thread.run(waiting.map(({ job }) => job));
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const outcome = outcomes[index];
        if (outcome && 'result' in outcome) resolve(outcome.result);
        else reject(notRun(outcome?.failed ?? 'it gave no answer'));
      }
    } catch (error) {
      // What a living thread was not sent is one job's fault; the others go without it.
      if (thread.alive && waiting.length > 1) for (const each of waiting) await this.#answer(thread, [each]);
      else for (const { reject } of waiting) reject(error as Error);
    }
  }

  #giveBack(thread: InferenceThread<K>): void {
    if (!thread.alive) return;
    this.#idle.push(thread);
    this.#dispatch();
  }
}

interface Shared {
  readonly pool: InferencePool<KindName>;
  users: number;
}

const pools = new Map<string, Shared>();

/**
 * The pool of this process for these settings: made for the first user, closed when the last one has left.
 *
 * @returns the pool, and a function to leave it, which may be called more than once.
 */
export function joinPool<K extends KindName>(settings: PoolSettings<K>): { readonly pool: InferencePool<K>; readonly leave: () => void } {
  const { kind, model, workers, providers, batch, options } = settings;
  const key = JSON.stringify([kind, model, resolve(model), workers, providers, batch.max, batch.waitMs, options]);
  const shared = pools.get(key) ?? { pool: new InferencePool<KindName>(settings), users: 0 };
  const forget = (): void => {
    if (pools.get(key) === shared) pools.delete(key);
  };
  if (shared.users++ === 0) {
    pools.set(key, shared);
    // A later subscriber starts afresh: the file may be there by then.
    shared.pool.failed.catch(forget);
  }
  let left = false;
  const leave = (): void => {
    if (left) return;
    left = true;
    if (--shared.users > 0) return;
    forget();
    void shared.pool.close();
  };
  // The key begins with the kind: what is found under it is of this kind.
  return { pool: shared.pool as unknown as InferencePool<K>, leave };
}

/** @internal The pools that are open, for tests. */
export function openPools(): readonly InferencePool<KindName>[] {
  return [...pools.values()].map(({ pool }) => pool);
}
