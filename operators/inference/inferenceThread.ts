import { EdgeFlowError } from 'edgeflow';
import { Worker } from 'node:worker_threads';
import { busyFlag, guardExit, setBusy } from './exitGuard.js';
import type { Answer, Job, KindName, Kinds, OpenedSession, Outcome, RawPicture, Request, WorkerData, WorkerSettings } from './protocol.js';

type Outcomes<K extends KindName> = readonly Outcome<Kinds[K]['result']>[];

interface Call<K extends KindName> {
  readonly resolve: (outcomes: Outcomes<K>) => void;
  readonly reject: (error: EdgeFlowError) => void;
}

/** One worker thread with its model. Takes one run at a time. */
export class InferenceThread<K extends KindName> {
  /**
   * Resolves when the model is loaded; rejects with `MODEL_INVALID` or `OPTIONS_INVALID`, or `INFERENCE_FAILED` if the
   * thread broke off.
   */
  readonly ready: Promise<OpenedSession<K>>;
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** @internal for tests that kill it */
  readonly worker: Worker;
  readonly #pixels: SharedArrayBuffer[] = [];
  readonly #busy = busyFlag();
  #call: Call<K> | undefined;
  #alive = true;

  constructor(settings: WorkerSettings<K>) {
    const workerData: WorkerData<K> = { ...settings, busy: this.#busy };
    // Without the parent's arguments: a loader of TypeScript costs a start-up, and this file is already compiled.
    const worker = new Worker(new URL('./inferenceWorker.js', import.meta.url), { workerData, execArgv: [], name: 'edgeflow-inference' });
    this.worker = worker;
    const unguard = guardExit(this.#busy);
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    this.ready = new Promise<OpenedSession<K>>((resolve, reject) => {
      worker.on('message', (answer: Answer<K>) => {
        if (answer.type === 'ready') resolve(answer.opened);
        else if (answer.type === 'unusable')
          reject(new EdgeFlowError(answer.code, `model ${settings.path} cannot be used: ${answer.message}`));
        else this.#take()?.resolve(answer.outcomes);
      });
      worker.once('exit', () => {
        this.#alive = false;
        unguard();
        const error = crashed(cause);
        reject(error);
        this.#take()?.reject(error);
      });
    });
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Runs the model on some jobs together. Rejects, and sends none of them, when one cannot be sent. */
  run(jobs: readonly Kinds[K]['job'][]): Promise<Outcomes<K>> {
    return new Promise((resolve, reject) => {
      if (!this.#alive) {
        reject(crashed(undefined));
        return;
      }
      const transfer = [...new Set(jobs.flatMap((job: Job) => job.transfer ?? []))];
      const sent = jobs.map((job, slot) => this.#share(job, slot));
      this.#call = { resolve, reject };
      setBusy(this.#busy, true);
      try {
        // Node would drop such a message without a word.
        if (transfer.some(({ byteLength }) => byteLength === 0)) throw new Error('an array was handed over before, and is empty now');
        this.#post({ type: 'run', jobs: sent }, transfer);
      } catch (error) {
        // What cannot be sent is the job's fault: memory that was handed over before, say.
        setBusy(this.#busy, false);
        this.#take();
        reject(notRun(error instanceof Error ? error.message : String(error), error));
      }
    });
  }

  /** Ends the thread after the run that is under way, because a session must not be released under one. */
  async close(): Promise<void> {
    this.#post({ type: 'close' });
    await this.ended;
  }

  /**
   * Copies pixels once, into memory that both threads see and that is reused for the next picture: a frame's own bytes
   * may belong to others, who must not find them gone.
   */
  #share<J extends Job>(job: J, slot: number): J {
    const { picture } = job;
    if (!picture) return { ...job, transfer: undefined };
    const bytes = picture.pixels.length;
    let buffer = this.#pixels[slot];
    if (!buffer || buffer.byteLength < bytes) this.#pixels[slot] = buffer = new SharedArrayBuffer(bytes);
    const pixels = new Uint8Array(buffer, 0, bytes);
    pixels.set(picture.pixels);
    const shared: RawPicture = { ...picture, pixels };
    return { ...job, picture: shared };
  }

  #post(request: Request<K>, transfer: readonly ArrayBuffer[] = []): void {
    this.worker.postMessage(request, transfer);
  }

  #take(): Call<K> | undefined {
    const call = this.#call;
    this.#call = undefined;
    return call;
  }
}

/** The error for a value that the model could not be run on. */
export function notRun(why: string, cause?: unknown): EdgeFlowError {
  return new EdgeFlowError('INFERENCE_FAILED', `there is no result of the model: ${why}`, { cause });
}

function crashed(cause: unknown): EdgeFlowError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new EdgeFlowError(
    'INFERENCE_FAILED',
    `the inference worker ended unexpectedly${why}; what it worked on is lost to it, and a new worker takes the next`,
    { cause },
  );
}
