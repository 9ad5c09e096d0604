import type { ClassifierKind } from '../classify/classifierKind.js';
import type { TensorsKind } from '../infer/tensorsKind.js';
import type { ModelTensor } from '../models/modelTensors.js';
import type { DetectorKind } from '../yolo/detectorKind.js';
import type { BusyFlag } from './exitGuard.js';
import type { Provider } from './providers.js';

/** The kinds of work that threads do with a model: what each is opened with, finds out, takes and gives. */
export interface Kinds {
  readonly detect: DetectorKind;
  readonly classify: ClassifierKind;
  readonly tensors: TensorsKind;
}

/** One of {@link Kinds}. */
export type KindName = keyof Kinds;

/** What a thread is started with. */
export interface WorkerSettings<K extends KindName> {
  readonly kind: K;
  readonly path: string;
  /** In the order of choice. */
  readonly providers: readonly Provider[];
  /** Most jobs in one run of the model. */
  readonly maxBatch: number;
  readonly options: Kinds[K]['options'];
}

/** The same with what both threads share. */
export interface WorkerData<K extends KindName> extends WorkerSettings<K> {
  readonly busy: BusyFlag;
}

/** What a thread tells of its model. */
export interface OpenedSession<K extends KindName> {
  readonly info: Kinds[K]['info'];
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  /** What runs the model. */
  readonly provider: Provider;
  /** Providers of an earlier choice that could not be used. */
  readonly refused: readonly { readonly provider: Provider; readonly reason: string }[];
  /** Reading and preparing the file, in milliseconds. */
  readonly loadMs: number;
  /** The first run, in milliseconds; undefined where there was none. */
  readonly warmUpMs: number | undefined;
}

/** A raw picture, on its way in memory that both threads see. */
export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** What all jobs may have. */
export interface Job {
  readonly picture?: RawPicture;
  /** Memory that is handed over, and no longer the caller's. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** What became of one job of a run. */
export type Outcome<R> = { readonly result: R } | { readonly failed: string };

/** A model that is loaded in a thread. Calls block their thread. */
export interface Runner<K extends KindName> {
  readonly opened: OpenedSession<K>;
  /** One outcome for each. Rejects when the run failed as a whole; each is then run by itself. */
  run(jobs: readonly Kinds[K]['job'][]): Promise<readonly Outcome<Kinds[K]['result']>[]>;
  close(): Promise<void>;
}

/** To the thread. `close` is answered by the thread's end, after the work that came before it. */
export type Request<K extends KindName> = { readonly type: 'run'; readonly jobs: readonly Kinds[K]['job'][] } | { readonly type: 'close' };

/** From the thread: one `ready` or `unusable`, then one answer a run. */
export type Answer<K extends KindName> =
  | { readonly type: 'ready'; readonly opened: OpenedSession<K> }
  | { readonly type: 'unusable'; readonly code: 'MODEL_INVALID' | 'OPTIONS_INVALID'; readonly message: string }
  | { readonly type: 'done'; readonly outcomes: readonly Outcome<Kinds[K]['result']>[] };
