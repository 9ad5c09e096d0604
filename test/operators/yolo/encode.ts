import type { Head } from '#operators/yolo/heads.js';
import type { Size } from '#operators/yolo/letterboxGeometry.js';

/** An object in a picture. */
export interface Truth {
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
  readonly score: number;
  readonly classId: number;
  /** Number of the cell that finds it. */
  readonly anchor: number;
}

/** The input's pixels of a picture as the families' own code puts it there, before it is rounded to whole ones. */
function placed(truth: Truth, source: Size, input: Size, centred: boolean): { cx: number; cy: number; width: number; height: number } {
  const ratio = Math.min(input.width / source.width, input.height / source.height);
  const [x1, y1, x2, y2] = truth.box;
  const left = centred ? (input.width - source.width * ratio) / 2 : 0;
  const top = centred ? (input.height - source.height * ratio) / 2 : 0;
  return { cx: ((x1 + x2) / 2) * ratio + left, cy: ((y1 + y2) / 2) * ratio + top, width: (x2 - x1) * ratio, height: (y2 - y1) * ratio };
}

/** Column, row and stride of a cell: level by level, row by row. */
function cellOf(anchor: number, input: Size, strides: readonly number[]): { x: number; y: number; stride: number } {
  let first = 0;
  for (const stride of strides) {
    const [columns, rows] = [Math.ceil(input.width / stride), Math.ceil(input.height / stride)];
    if (anchor < first + columns * rows) return { x: (anchor - first) % columns, y: Math.floor((anchor - first) / columns), stride };
    first += columns * rows;
  }
  throw new RangeError(`there is no cell ${anchor}`);
}

/** What a model of this head would give for these objects: the formulas of its decoder, solved for what goes in. */
export function encode(truths: readonly Truth[], head: Head, classes: number, source: Size, input: Size): Float32Array {
  const rowLength = head.kind === 'endToEnd' ? 6 : (head.kind === 'yolov8' ? 4 : 5) + classes;
  const values = new Float32Array(head.anchors * rowLength);
  for (const truth of truths) {
    const { anchor, score, classId } = truth;
    const { cx, cy, width, height } = placed(truth, source, input, head.kind !== 'yolox');
    const scores = Array.from({ length: classes }, (_, id) => (id === classId ? 1 : 0.5));
    // prettier-ignore
    switch (head.kind) {
      case 'yolox': {
        const { x, y, stride } = cellOf(anchor, input, head.strides);
        values.set([cx / stride - x, cy / stride - y, Math.log(width / stride), Math.log(height / stride), score, ...scores], anchor * rowLength);
        break;
      }
      case 'yolov5':
        values.set([cx, cy, width, height, score, ...scores], anchor * rowLength);
        break;
      case 'yolov8':
        for (const [row, value] of [cx, cy, width, height, ...scores.map((each) => each * score)].entries()) values[row * head.anchors + anchor] = value;
        break;
      case 'endToEnd':
        values.set([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2, score, classId], anchor * rowLength);
    }
  }
  return values;
}
