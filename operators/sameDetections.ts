import { EdgeFlowError } from 'edgeflow';
import type { Box, Detection, Detections } from './detections.js';
import { iou } from './detections.js';
import { assign } from './tracking/assign.js';

/** Options of {@link sameDetections}. */
export interface SameDetectionsOptions {
  /** Least overlap of two boxes that are the same object, intersection over union, above 0 and up to 1. @defaultValue 0.5 */
  readonly minIou?: number;
  /** Objects with a lower score are left out of account, on both sides. @defaultValue 0 */
  readonly minScore?: number;
}

/**
 * Whether two detectors found the same objects in a picture: as many, and each with a partner of the same label in the same
 * place. For the option `equal` of `compareOutputs`.
 *
 * Partners are chosen so that as many as can be have one, by the assignment problem (Kuhn 1955). Boxes are compared as shares
 * of the picture that they refer to; scores and the model's name are not compared.
 *
 * @returns the comparison of two values.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * compareOutputs({ live, candidate }, { equal: sameDetections({ minIou: 0.7, minScore: 0.4 }) })
 * ```
 */
export function sameDetections({ minIou = 0.5, minScore = 0 }: SameDetectionsOptions = {}): (a: Detections, b: Detections) => boolean {
  if (!(minIou > 0 && minIou <= 1))
    throw new EdgeFlowError('OPTIONS_INVALID', `sameDetections: minIou is ${minIou}; expected more than 0 and at most 1`);
  if (!(minScore >= 0 && minScore <= 1))
    throw new EdgeFlowError('OPTIONS_INVALID', `sameDetections: minScore is ${minScore}; expected 0 to 1`);

  const counted = ({ objects, width, height }: Detections): (Pick<Detection, 'label'> & { readonly box: Box })[] =>
    objects
      .filter(({ score }) => score >= minScore)
      .map(({ label, box: [x1, y1, x2, y2] }) => ({ label, box: [x1 / width, y1 / height, x2 / width, y2 / height] }));
  return (a, b) => {
    const left = counted(a);
    const right = counted(b);
    if (left.length !== right.length) return false;
    const partners = assign(left.length, right.length, (row, column) => {
      const one = left[row];
      const other = right[column];
      return one && one.label === other?.label && iou(one.box, other.box) >= minIou ? 1 : 0;
    });
    return partners.every((column) => column >= 0);
  };
}
