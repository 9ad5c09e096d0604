import { EdgeFlowError } from 'edgeflow';
import type { Box } from '../detections.js';
import { gridOf } from './heads.js';
import type { Head } from './heads.js';
import type { Size } from './letterboxGeometry.js';

/** A box in pixels of the model's input, before suppression. */
export interface Candidate {
  readonly box: Box;
  readonly score: number;
  readonly classId: number;
  /** Number of its row or column in the output. */
  readonly anchor: number;
}

type Emit = (anchor: number, x1: number, y1: number, x2: number, y2: number, score: number, classId: number) => void;

/**
 * Reads what a model gave.
 *
 * @param values - the output tensor, row-major.
 * @param input - size of the model's input, in pixels.
 * @param scoreThreshold - candidates below are left out.
 * @throws EdgeFlowError `INFERENCE_FAILED` when scores, or boxes above the threshold, are not finite numbers: the model is
 * broken or overflowed, and "nothing found" would be a lie.
 */
export function decode(values: Float32Array, head: Head, input: Size, scoreThreshold: number): Candidate[] {
  const found: Candidate[] = [];
  let unreadable = 0;
  const emit: Emit = (anchor, x1, y1, x2, y2, score, classId) => {
    if (!Number.isFinite(x1 + y1 + x2 + y2 + score + classId)) unreadable++;
    else if (x2 > x1 && y2 > y1) found.push({ box: [x1, y1, x2, y2], score, classId, anchor });
  };
  switch (head.kind) {
    case 'yolox':
      decodeYolox(values, head, input, scoreThreshold, emit);
      break;
    case 'yolov5':
      decodeYolov5(values, head, scoreThreshold, emit);
      break;
    case 'yolov8':
      decodeYolov8(values, head, scoreThreshold, emit);
      break;
    case 'endToEnd':
      decodeEndToEnd(values, head, scoreThreshold, emit);
  }
  if (unreadable > 0)
    throw new EdgeFlowError(
      'INFERENCE_FAILED',
      `the model gave numbers that are not finite (NaN or infinite) for ${unreadable} of ${head.anchors} boxes; expected finite ones: ` +
        'its weights are damaged, or it was exported with too little precision',
    );
  return found;
}

/** The best of a row of class scores. */
function bestClass(values: Float32Array, start: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if ((values[start + c] ?? 0) > (values[start + best] ?? 0)) best = c;
  return best;
}

/** Rows of centre, size, objectness and class scores, relative to a cell: YOLOX (arXiv 2107.08430), not decoded on export. */
function decodeYolox(values: Float32Array, head: Head & { kind: 'yolox' }, input: Size, threshold: number, emit: Emit): void {
  const row = 5 + head.classes;
  let at = 0;
  for (const stride of head.strides) {
    const grid = gridOf(input, stride);
    for (let gy = 0; gy < grid.height; gy++) {
      for (let gx = 0; gx < grid.width; gx++, at += row) {
        const objectness = values[at + 4] ?? 0;
        // Here and below: what is no number is not under the threshold, and is caught by `emit`.
        if (objectness < threshold) continue;
        const classId = bestClass(values, at + 5, head.classes);
        const score = objectness * (values[at + 5 + classId] ?? 0);
        if (score < threshold) continue;
        const cx = ((values[at] ?? 0) + gx) * stride;
        const cy = ((values[at + 1] ?? 0) + gy) * stride;
        const halfWidth = (Math.exp(values[at + 2] ?? 0) * stride) / 2;
        const halfHeight = (Math.exp(values[at + 3] ?? 0) * stride) / 2;
        emit(at / row, cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight, score, classId);
      }
    }
  }
}

/** Rows of centre, size, objectness and class scores, in pixels. */
function decodeYolov5(values: Float32Array, head: Head & { kind: 'yolov5' }, threshold: number, emit: Emit): void {
  const row = 5 + head.classes;
  for (let i = 0, at = 0; i < head.anchors; i++, at += row) {
    const objectness = values[at + 4] ?? 0;
    if (objectness < threshold) continue;
    const classId = bestClass(values, at + 5, head.classes);
    const score = objectness * (values[at + 5 + classId] ?? 0);
    if (score < threshold) continue;
    const [cx, cy, width, height] = values.subarray(at, at + 4) as unknown as [number, number, number, number];
    emit(i, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2, score, classId);
  }
}

/** Columns of centre, size and class scores, in pixels; read along the rows, as they lie in memory. */
function decodeYolov8(values: Float32Array, { classes, anchors }: Head & { kind: 'yolov8' }, threshold: number, emit: Emit): void {
  const score = new Float32Array(anchors);
  const classOf = new Uint16Array(anchors);
  for (let c = 0; c < classes; c++) {
    const start = (4 + c) * anchors;
    for (let i = 0; i < anchors; i++) {
      const value = values[start + i] ?? 0;
      // Nearly all scores are under the threshold, which the processor can foresee; the second comparison it cannot.
      if (value < threshold) continue;
      if (!(value <= (score[i] ?? 0))) {
        score[i] = value;
        classOf[i] = c;
      }
    }
  }
  for (let i = 0; i < anchors; i++) {
    if (score[i] === 0) continue;
    const cx = values[i] ?? 0;
    const cy = values[anchors + i] ?? 0;
    const halfWidth = (values[2 * anchors + i] ?? 0) / 2;
    const halfHeight = (values[3 * anchors + i] ?? 0) / 2;
    emit(i, cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight, score[i] ?? 0, classOf[i] ?? 0);
  }
}

/** Rows of corners, score and class, already suppressed by the model; unused rows have score 0. */
function decodeEndToEnd(values: Float32Array, head: Head & { kind: 'endToEnd' }, threshold: number, emit: Emit): void {
  const row = 6 + (head.keypoints ? head.keypoints.count * head.keypoints.dims : 0);
  // As many as there are: some models give another number for each picture.
  for (let i = 0, at = 0; at + row <= values.length; i++, at += row) {
    const [x1, y1, x2, y2, score, classId] = values.subarray(at, at + 6) as unknown as [number, number, number, number, number, number];
    if (score < threshold || score <= 0 || classId < 0) continue;
    emit(i, x1, y1, x2, y2, score, Math.round(classId));
  }
}
