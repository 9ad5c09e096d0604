import type { Detections } from './detections.js';
import type { MatchDetectionsOptions } from './matchDetections.js';
import { detectionMatcher } from './tracking/detectionMatcher.js';

/** Options of {@link sameDetections}: those of `matchDetections`. */
export type SameDetectionsOptions = MatchDetectionsOptions;

/**
 * Whether two detectors found the same objects in a picture: as many, and each with a partner of the same label in the same
 * place, as `matchDetections` pairs them. For the option `equal` of `compareOutputs`.
 *
 * Scores and the model's name are not compared.
 *
 * @returns the comparison of two values.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * compareOutputs({ live, candidate }, { equal: sameDetections({ minIou: 0.7, minScore: 0.4 }) })
 * ```
 */
export function sameDetections(options: SameDetectionsOptions = {}): (a: Detections, b: Detections) => boolean {
  const match = detectionMatcher('sameDetections', options);
  return (a, b) => {
    const { onlyFirst, onlySecond } = match(a, b);
    return onlyFirst.length + onlySecond.length === 0;
  };
}
