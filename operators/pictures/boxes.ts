import { EdgeFlowError } from 'edgeflow';
import type { Box } from '../detections.js';

/** Whole pixels of a picture: from `left`, `top` up to, not including, `right`, `bottom`. */
export interface PixelArea {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What was given as a box, where it is one: four finite numbers in their order. */
export function asBox(box: unknown): Box | undefined {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((value) => Number.isFinite(value))) return undefined;
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = box as number[];
  return x1 <= x2 && y1 <= y2 ? [x1, y1, x2, y2] : undefined;
}

/** A box, or what is none, for messages. */
export function describeBox(box: unknown): string {
  return Array.isArray(box) ? `[${box.map(String).join(', ')}]` : String(box);
}

/**
 * Makes sure that a box is one. A box that is none would cover nothing, and what was to be hidden would be seen.
 *
 * @param where - the operator, for the message.
 * @throws EdgeFlowError `BOX_INVALID`
 */
export function checkBox(box: unknown, where: string): Box {
  const checked = asBox(box);
  if (checked) return checked;
  throw new EdgeFlowError(
    'BOX_INVALID',
    `${where}: a box is ${describeBox(box)}; expected [left, top, right, bottom] in pixels, finite and in this order`,
  );
}

/**
 * Makes sure of each of what a function gave as boxes; text and `null` are no list of them.
 *
 * @param where - the operator, for the message.
 * @throws EdgeFlowError `BOX_INVALID`
 */
export function checkBoxes(boxes: unknown, where: string): Box[] {
  if (Array.isArray(boxes)) return boxes.map((box) => checkBox(box, where));
  throw new EdgeFlowError('BOX_INVALID', `${where}: the boxes are ${String(boxes)}; expected a list of [left, top, right, bottom]`);
}

/**
 * The pixels of a picture that a box touches; undefined where it lies outside, or has no area.
 *
 * @param margin - how much wider and higher on each side, as a share of the box.
 */
export function pixelsOf([x1, y1, x2, y2]: Box, width: number, height: number, margin = 0): PixelArea | undefined {
  const dx = margin * (x2 - x1);
  const dy = margin * (y2 - y1);
  const left = Math.max(0, Math.floor(x1 - dx));
  const top = Math.max(0, Math.floor(y1 - dy));
  const right = Math.min(width, Math.ceil(x2 + dx));
  const bottom = Math.min(height, Math.ceil(y2 + dy));
  return x1 < x2 && y1 < y2 && left < right && top < bottom ? { left, top, right, bottom } : undefined;
}
