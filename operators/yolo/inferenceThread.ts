import { EdgeFlowError } from 'edgeflow';
import { Worker } from 'node:worker_threads';
import type { Frame } from '../frame.js';
import { busyFlag, guardExit, setBusy } from './exitGuard.js';
import type { Answer, Found, ModelInfo, Request, SelectOptions, WorkerData, WorkerSettings } from './protocol.js';

interface Call {
  readonly resolve: (found: readonly Found[]) => void;
  readonly reject: (error: EdgeFlowError) => void;
}

/** One worker thread with its model. Takes one frame at a time. */
export class InferenceThread {
  /** Resolves when the model is loaded; rejects with `MODEL_INVALID`, or `INFERENCE_FAILED` if the thread broke off. */
  readonly ready: Promise<ModelInfo>;
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** @internal for tests that kill it */
  readonly worker: Worker;
  #pixels = new SharedArrayBuffer(0);
  readonly #busy = busyFlag();
  #call: Call | undefined;
  #alive = true;

  constructor(settings: WorkerSettings) {
    const workerData: WorkerData = { ...settings, busy: this.#busy };
    // Without the parent's arguments: a loader of TypeScript costs a start-up, and this file is already compiled.
    const worker = new Worker(new URL('./inferenceWorker.js', import.meta.url), { workerData, execArgv: [], name: 'edgeflow-inference' });
    this.worker = worker;
    const unguard = guardExit(this.#busy);
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    this.ready = new Promise<ModelInfo>((resolve, reject) => {
      worker.on('message', (answer: Answer) => {
        if (answer.type === 'ready') resolve(answer.model);
        else if (answer.type === 'unusable') reject(unusable(settings.path, answer.message));
        else this.#settle(answer);
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

  /**
   * Runs the model on a raw frame.
   *
   * The pixels are copied once, into memory that both threads see and that is reused for the next frame: the frame's own
   * bytes may belong to others, who must not find them gone.
   */
  run(frame: Frame, select: SelectOptions): Promise<readonly Found[]> {
    return new Promise((resolve, reject) => {
      this.#call = { resolve, reject };
      if (this.#pixels.byteLength < frame.data.length) this.#pixels = new SharedArrayBuffer(frame.data.length);
      new Uint8Array(this.#pixels).set(frame.data);
      const { width, height } = frame;
      setBusy(this.#busy, true);
      this.#post({ type: 'run', picture: { width, height, channels: frame.format === 'gray8' ? 1 : 3, pixels: this.#pixels }, select });
    });
  }

  /** Ends the thread after the run that is under way, because a session must not be released under one. */
  async close(): Promise<void> {
    this.#post({ type: 'close' });
    await this.ended;
  }

  #post(request: Request): void {
    this.worker.postMessage(request);
  }

  #take(): Call | undefined {
    const call = this.#call;
    this.#call = undefined;
    return call;
  }

  #settle(answer: Answer & { type: 'found' | 'failed' }): void {
    const call = this.#take();
    if (answer.type === 'found') call?.resolve(answer.found);
    else call?.reject(new EdgeFlowError('INFERENCE_FAILED', `the model could not be run on the frame: ${answer.message}`));
  }
}

function unusable(path: string, found: string): EdgeFlowError {
  return new EdgeFlowError('MODEL_INVALID', `model ${path} cannot be used: ${found}`);
}

function crashed(cause: unknown): EdgeFlowError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new EdgeFlowError(
    'INFERENCE_FAILED',
    `the inference worker ended unexpectedly${why}; the frame is lost to it, and a new worker takes the next`,
    { cause },
  );
}
