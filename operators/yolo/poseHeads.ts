import { EdgeFlowError } from 'edgeflow';
import type { OutputShape } from '../inference/batchShapes.js';
import { isSumOfLevels } from './heads.js';
import type { Head, KeypointShape } from './heads.js';
import type { Size } from './letterboxGeometry.js';

/**
 * Reads what Ultralytics writes into a model for poses: `[17, 3]`.
 *
 * @returns undefined when the text is something else.
 */
export function parseKeypointShape(text: string): KeypointShape | undefined {
  const [, count, dims] = /^\s*[[(]\s*(\d{1,4})\s*,\s*([23])\s*[\])]\s*$/.exec(text) ?? [];
  return count === undefined || Number(count) === 0 ? undefined : { count: Number(count), dims: dims === '2' ? 2 : 3 };
}

/** Tells a head for poses by the shape of one output; `known` is what the file says of its keypoints. */
export function poseHeadOfShape(dims: readonly number[], input: Size, known: KeypointShape | undefined): Head | undefined {
  const [batch, rows = 0, columns = 0] = dims;
  if (dims.length !== 3 || batch !== 1) return undefined;
  // [1, 4 + classes + numbers, anchors]; without the file's word, one class and three numbers a keypoint.
  if (isSumOfLevels(columns, input)) {
    const keypoints = known ?? keypointsOf(rows - 5);
    const classes = keypoints ? rows - 4 - keypoints.count * keypoints.dims : 0;
    if (keypoints && classes >= 1) return { kind: 'yolov8', classes, anchors: columns, keypoints };
  }
  const keypoints = keypointsOf(columns - 6, known?.dims);
  if (!keypoints || (known && known.count !== keypoints.count)) return undefined;
  return { kind: 'endToEnd', classes: undefined, anchors: rows, keypoints };
}

function keypointsOf(numbers: number, dims: 2 | 3 = 3): KeypointShape | undefined {
  return numbers >= dims && numbers % dims === 0 ? { count: numbers / dims, dims } : undefined;
}

/**
 * Finds the output to read, and how to read it.
 *
 * @throws EdgeFlowError `MODEL_INVALID` that names the shapes found and those expected.
 */
export function recognisePoseHead(
  outputs: readonly OutputShape[],
  input: Size,
  known: KeypointShape | undefined,
): { readonly output: string; readonly head: Head } {
  for (const { name, dims } of outputs) {
    const head = poseHeadOfShape(dims, input, known);
    if (head) return { output: name, head };
  }
  const found = outputs.map(({ name, dims }) => `'${name}' [${dims.join(', ')}]`).join(', ');
  throw new EdgeFlowError(
    'MODEL_INVALID',
    `the output is ${found}; expected for poses [1, 4+classes+3*keypoints, anchors] (YOLOv8-pose, YOLO11-pose) or ` +
      '[1, boxes, 6+3*keypoints] (end-to-end): export the model as one of these, or use detectYolo for a plain detector',
  );
}
