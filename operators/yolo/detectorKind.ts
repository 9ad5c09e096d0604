import type { RawPicture } from '../inference/protocol.js';
import type { Head } from './heads.js';
import type { Size } from './letterboxGeometry.js';
import type { PolygonPoint } from './region.js';

/** What `detectYolo` and `estimatePose` do on the threads. */
export interface DetectorKind {
  readonly options: DetectorSettings;
  readonly info: DetectorInfo;
  readonly job: DetectJob;
  readonly result: readonly Found[];
}

/** How a detector is opened. */
export interface DetectorSettings {
  readonly task: 'detect' | 'pose';
  /** Size for models whose input has no fixed one. */
  readonly inputSize: Size;
}

/** What a thread found out about its model. */
export interface DetectorInfo {
  readonly input: Size;
  readonly head: Head;
}

/** A picture, and what to look for in it. */
export interface DetectJob {
  readonly picture: RawPicture;
  readonly select: SelectOptions;
}

/** How candidates are chosen. */
export interface SelectOptions {
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** Ids of the classes to keep; undefined for all. */
  readonly classIds: readonly number[] | undefined;
  /** Where the middle of a box's bottom must lie, in pixels of the picture; undefined for everywhere. */
  readonly region?: readonly PolygonPoint[] | undefined;
}

/** A found object, in pixels of the picture. */
export interface Found {
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
  readonly score: number;
  readonly classId: number;
  /** x, y and, where the model tells it, score of one keypoint after the other; of models for poses. */
  readonly keypoints?: readonly number[];
}
