import { EdgeFlowError } from 'edgeflow';
import type { OutputShape } from '../inference/batchShapes.js';
import type { InputStyle, Size } from './letterboxGeometry.js';

/** How the numbers that a model gives are to be read. */
export type Head =
  | { readonly kind: 'yolox'; readonly classes: number; readonly anchors: number; readonly strides: readonly number[] }
  | { readonly kind: 'yolov5'; readonly classes: number; readonly anchors: number }
  | { readonly kind: 'yolov8'; readonly classes: number; readonly anchors: number; readonly keypoints?: KeypointShape }
  | { readonly kind: 'endToEnd'; readonly classes: undefined; readonly anchors: number; readonly keypoints?: KeypointShape };

/** How many keypoints an object has, and how many numbers each: x and y, and with 3 a score. */
export interface KeypointShape {
  readonly count: number;
  readonly dims: 2 | 3;
}

/** What the family of a head expects as input. */
export function inputStyleOf(head: Head): InputStyle {
  return head.kind === 'yolox' ? 'yolox' : 'ultralytics';
}

/** Stride sets of published models: the usual three, with a level more for large and one more for small objects. */
const strideSets = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [4, 8, 16, 32],
] as const;

/** Cells of the grid that a stride lays over the input. */
export function gridOf(input: Size, stride: number): Size {
  return { width: Math.ceil(input.width / stride), height: Math.ceil(input.height / stride) };
}

function cells(input: Size, stride: number): number {
  const grid = gridOf(input, stride);
  return grid.width * grid.height;
}

function stridesOf(count: number, input: Size): readonly number[] | undefined {
  return strideSets.find((strides) => strides.reduce((sum, stride) => sum + cells(input, stride), 0) === count);
}

/** Whether some levels of the pyramid have this many cells together: a decoded head may use any of them. */
export function isSumOfLevels(count: number, input: Size): boolean {
  const sums = [4, 8, 16, 32, 64].reduce<number[]>(
    (before, stride) => [...before, ...before.map((sum) => sum + cells(input, stride))],
    [0],
  );
  return count > 0 && sums.includes(count);
}

/**
 * Tells a head by the shape of one output, relative to the size of the input. The order matters: `[1, N, 6]` is a head
 * of one class where N is the number of anchors of this input, and a list of final boxes otherwise.
 */
export function headOfShape(dims: readonly number[], input: Size): Head | undefined {
  const [batch, rows, columns] = dims;
  if (dims.length !== 3 || batch !== 1 || rows === undefined || columns === undefined) return undefined;
  if (columns >= 6) {
    const strides = stridesOf(rows, input);
    if (strides) return { kind: 'yolox', classes: columns - 5, anchors: rows, strides };
    if (rows % 3 === 0 && stridesOf(rows / 3, input)) return { kind: 'yolov5', classes: columns - 5, anchors: rows };
  }
  if (columns === 6) return { kind: 'endToEnd', classes: undefined, anchors: rows };
  if (rows >= 5 && isSumOfLevels(columns, input)) return { kind: 'yolov8', classes: rows - 4, anchors: columns };
  return undefined;
}

/**
 * Finds the output to read, and how to read it.
 *
 * @throws EdgeFlowError `MODEL_INVALID` that names the shapes found and those expected.
 */
export function recogniseHead(outputs: readonly OutputShape[], input: Size): { readonly output: string; readonly head: Head } {
  for (const { name, dims } of outputs) {
    const head = headOfShape(dims, input);
    if (head) return { output: name, head };
  }
  const found = outputs.map(({ name, dims }) => `'${name}' [${dims.join(', ')}]`).join(', ');
  const anchors = strideSets[0].reduce((sum, stride) => sum + cells(input, stride), 0);
  throw new EdgeFlowError(
    'MODEL_INVALID',
    `the output is ${found}; for an input of ${input.width}x${input.height} expected ` +
      `[1, ${anchors}, 5+classes] (YOLOX), [1, ${3 * anchors}, 5+classes] (YOLOv5), [1, 4+classes, ${anchors}] (YOLOv8, YOLO11) ` +
      'or [1, boxes, 6] (end-to-end): export the model as one of these detection heads',
  );
}
