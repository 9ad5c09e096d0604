import type { Box } from '../detections.js';
import { checkWord } from '../checks.js';
import type { Point, Units } from './point.js';

/** The point of a box that says where the object is: `bottom` is the middle of its lower edge, where it stands on the ground. */
export type Anchor = 'bottom' | 'center' | 'top';

const anchors: readonly Anchor[] = ['bottom', 'center', 'top'];

/** Checks the options that all operators on places have. */
export function checkPlace(operator: string, anchor: Anchor, units: Units): void {
  checkWord(operator, 'anchor', anchor, anchors);
  checkWord(operator, 'units', units, ['fractions', 'pixels']);
}

/** Where an object is, in pixels. */
export function anchorOf([x1, y1, x2, y2]: Box, anchor: Anchor): Point {
  return [(x1 + x2) / 2, anchor === 'bottom' ? y2 : anchor === 'top' ? y1 : (y1 + y2) / 2];
}
