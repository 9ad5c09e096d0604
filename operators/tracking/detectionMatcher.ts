import { checkPositive, checkRange } from '../checks.js';
import { iou } from '../detections.js';
import type { Box, Detection, Detections } from '../detections.js';
import type { MatchDetectionsOptions, MatchedDetections } from '../matchDetections.js';
import { assign } from './assign.js';

type Match = (first: Detections, second: Detections) => MatchedDetections;

/** Pairs objects of two detectors, for whichever operator asks. */
export function detectionMatcher(operator: string, options: MatchDetectionsOptions): Match {
  const { minIou = 0.5, minScore = 0 } = options;
  checkPositive(operator, 'minIou', minIou);
  checkRange(operator, 'minIou', minIou, 0, 1);
  checkRange(operator, 'minScore', minScore, 0, 1);

  return (first, second) => {
    const left = first.objects.filter(({ score }) => score >= minScore);
    const right = second.objects.filter(({ score }) => score >= minScore);
    const places = [left.map(inShares(first)), right.map(inShares(second))] as const;
    const partners = assign(left.length, right.length, (row, column) => {
      if (left[row]?.label !== right[column]?.label) return 0;
      const [one, other] = [places[0][row], places[1][column]];
      const overlap = one && other ? iou(one, other) : 0;
      // All overlaps together weigh less than one pair more.
      return overlap >= minIou ? 1 + overlap / (left.length + 1) : 0;
    });
    const paired = new Set(partners);
    return {
      pairs: left.flatMap((one, row) => {
        const other = right[partners[row] ?? -1];
        return other ? [[one, other] as const] : [];
      }),
      onlyFirst: left.filter((_, row) => (partners[row] ?? -1) < 0),
      onlySecond: right.filter((_, column) => !paired.has(column)),
    };
  };
}

function inShares({ width, height }: Detections): (object: Detection) => Box {
  return ({ box: [x1, y1, x2, y2] }) => [x1 / width, y1 / height, x2 / width, y2 / height];
}
