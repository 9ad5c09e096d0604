import { resolve } from 'node:path';
import { resolveModel } from '../models/resolveModel.js';
import type { ResolvedModel } from '../models/resolveModel.js';
import type { Frame } from '../frame.js';
import { InferenceThread } from './inferenceThread.js';
import type { Size } from './letterboxGeometry.js';
import { readOnnxMetadata } from './onnxMetadata.js';
import type { Found, ModelInfo, SelectOptions } from './protocol.js';

/** What tells one pool from another. */
export interface PoolSettings {
  /** A path or a name of the registry. */
  readonly model: string;
  /** Number of threads, each with a session of its own. */
  readonly workers: number;
  /** Size for models whose input has no fixed one. */
  readonly inputSize: Size;
}

/** A model that is loaded in all threads of a pool. */
export interface OpenModel extends ResolvedModel {
  readonly info: ModelInfo;
  /** The class names that the file carries, unparsed. */
  readonly names: string | undefined;
}

/**
 * A model on a few worker threads. Frames go to whichever is idle; a thread that crashes fails its frame and is
 * replaced. When a model cannot be loaded, first or again, the pool has failed as a whole.
 */
export class InferencePool {
  readonly opened: Promise<OpenModel>;
  /** Rejects when the pool has failed; never resolves. */
  readonly failed: Promise<never>;
  /** @internal for tests that kill them */
  readonly threads = new Set<InferenceThread>();
  readonly #abort = new AbortController();
  readonly #idle: InferenceThread[] = [];
  readonly #waiting: ((thread: InferenceThread) => void)[] = [];
  #fail: (error: unknown) => void = () => undefined;

  constructor(settings: PoolSettings) {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.opened = this.#open(settings);
    this.opened.catch(this.#fail);
  }

  /** Boxes of a raw frame, in its pixels, best score first. */
  async run(frame: Frame, select: SelectOptions, signal: AbortSignal): Promise<readonly Found[]> {
    const thread = this.#idle.pop() ?? (await this.#nextIdle(signal));
    try {
      return await thread.run(frame, select);
    } finally {
      this.#giveBack(thread);
    }
  }

  /** Ends the threads after the runs that are under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all([...this.threads].map((thread) => thread.close()));
  }

  async #open({ model, workers, inputSize }: PoolSettings): Promise<OpenModel> {
    const { signal } = this.#abort;
    const resolved = await resolveModel(model, { signal });
    const metadata = await readOnnxMetadata(resolved.path);
    signal.throwIfAborted();
    const start = (): Promise<ModelInfo> => this.#start(() => new InferenceThread({ path: resolved.path, inputSize }));
    const [info] = await Promise.all([start(), ...Array.from({ length: workers - 1 }, start)]);
    return { ...resolved, info, names: metadata.get('names') };
  }

  async #start(create: () => InferenceThread): Promise<ModelInfo> {
    const thread = create();
    this.threads.add(thread);
    void thread.ended.then(() => {
      this.threads.delete(thread);
      if (this.#idle.includes(thread)) this.#idle.splice(this.#idle.indexOf(thread), 1);
    });
    const info = await thread.ready;
    // Only a thread that once worked is replaced: one that cannot load its model would be started for ever.
    void thread.ended.then(() => {
      if (!this.#abort.signal.aborted) this.#start(create).catch(this.#fail);
    });
    this.#giveBack(thread);
    return info;
  }

  #nextIdle(signal: AbortSignal): Promise<InferenceThread> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(signal.reason as Error);
      };
      const take = (thread: InferenceThread): void => {
        signal.removeEventListener('abort', forget);
        resolve(thread);
      };
      signal.throwIfAborted();
      signal.addEventListener('abort', forget, { once: true });
      this.#waiting.push(take);
    });
  }

  #giveBack(thread: InferenceThread): void {
    if (!thread.alive) return;
    const take = this.#waiting.shift();
    if (take) take(thread);
    else this.#idle.push(thread);
  }
}

interface Shared {
  readonly pool: InferencePool;
  users: number;
}

const pools = new Map<string, Shared>();

/**
 * The pool of this process for these settings: made for the first user, closed when the last one has left.
 *
 * @returns the pool, and a function to leave it, which may be called more than once.
 */
export function joinPool(settings: PoolSettings): { readonly pool: InferencePool; readonly leave: () => void } {
  const { workers, inputSize } = settings;
  const key = JSON.stringify([settings.model, resolve(settings.model), workers, inputSize.width, inputSize.height]);
  const shared = pools.get(key) ?? { pool: new InferencePool(settings), users: 0 };
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
  return { pool: shared.pool, leave };
}

/** @internal The pools that are open, for tests. */
export function openPools(): readonly InferencePool[] {
  return [...pools.values()].map(({ pool }) => pool);
}
