import type { BusyFlag } from './exitGuard.js';
import type { Head } from './heads.js';
import type { Size } from './letterboxGeometry.js';

/** What an inference worker is started with. */
export interface WorkerSettings {
  readonly path: string;
  /** Size for models whose input has no fixed one. */
  readonly inputSize: Size;
}

/** The same with what both threads share. */
export interface WorkerData extends WorkerSettings {
  readonly busy: BusyFlag;
}

/** What a worker found out about its model. */
export interface ModelInfo {
  readonly input: Size;
  readonly head: Head;
}

/** How candidates are chosen. */
export interface SelectOptions {
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** Ids of the classes to keep; undefined for all. */
  readonly classIds: readonly number[] | undefined;
}

/** A raw picture whose pixels lie in memory that both threads see. */
export interface SharedPicture extends Size {
  readonly channels: 1 | 3;
  readonly pixels: SharedArrayBuffer;
}

/** Box in source pixels, score, class. */
export type Found = readonly [x1: number, y1: number, x2: number, y2: number, score: number, classId: number];

/** To the worker. `close` is answered by the thread's end, after the work that came before it. */
export type Request =
  { readonly type: 'run'; readonly picture: SharedPicture; readonly select: SelectOptions } | { readonly type: 'close' };

/** From the worker: one `ready` or `unusable`, then one answer a run. */
export type Answer =
  | { readonly type: 'ready'; readonly model: ModelInfo }
  | { readonly type: 'unusable'; readonly message: string }
  | { readonly type: 'found'; readonly found: readonly Found[] }
  | { readonly type: 'failed'; readonly message: string };
