/** A box in pixels of the source picture: left, top, right, bottom. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** One object that a detector found. */
export interface Detection {
  /** Name of the class, such as `person`. */
  readonly label: string;
  /** Index of the class in the model's output. */
  readonly classId: number;
  /** Confidence from 0 to 1. */
  readonly score: number;
  readonly box: Box;
}

/** What a model says of one frame, and of which. */
export interface ModelResult {
  /** Width of the frame in pixels. */
  readonly width: number;
  /** Height of the frame in pixels. */
  readonly height: number;
  /** When the picture was taken, in milliseconds since the epoch. */
  readonly time: number;
  /** Number of the frame in its source. */
  readonly index: number;
  /** Name of the frame's source. */
  readonly source: string;
  /** Name of the model. */
  readonly model: string;
}

/** What a detector found in one frame; boxes are in its pixels. */
export interface Detections extends ModelResult {
  /** Found objects, best score first. */
  readonly objects: readonly Detection[];
}

/**
 * Intersection over union of two boxes: 0 when they do not touch, 1 when they are the same.
 *
 * @example
 * ```ts
 * iou([0, 0, 20, 20], [10, 0, 30, 20]) // 1/3
 * ```
 */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const overlap = width * height;
  const area = (box: Box): number => (box[2] - box[0]) * (box[3] - box[1]);
  return overlap / (area(a) + area(b) - overlap);
}
