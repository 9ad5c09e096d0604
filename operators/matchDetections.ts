import type { Detection, Detections } from './detections.js';
import { detectionMatcher } from './tracking/detectionMatcher.js';

/** Options of {@link matchDetections}. */
export interface MatchDetectionsOptions {
  /** Least overlap of two boxes that are the same object, intersection over union, above 0 and up to 1. @defaultValue 0.5 */
  readonly minIou?: number;
  /** Objects with a lower score are left out of account, on both sides. @defaultValue 0 */
  readonly minScore?: number;
}

/** Which objects two detectors both found, and which only one of them did. */
export interface MatchedDetections {
  /** The same object, as the one and as the other found it. */
  readonly pairs: readonly (readonly [Detection, Detection])[];
  /** Objects that only the first found. */
  readonly onlyFirst: readonly Detection[];
  /** Objects that only the second found. */
  readonly onlySecond: readonly Detection[];
}

/**
 * Pairs the objects that two detectors found in one picture: of the same label, in the same place, each once.
 *
 * As many as can be have a partner; among such pairings, the one whose boxes overlap most is taken: the assignment problem (Kuhn
 * 1955). Boxes are compared as shares of the picture that they refer to, so the two may refer to other sizes.
 *
 * @returns the function that pairs two values.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * const match = matchDetections({ minIou: 0.7 });
 * comparisons.pipe(map(({ live, candidate }) => match(live, candidate).onlyFirst)) // what the candidate missed
 * ```
 */
export function matchDetections(options: MatchDetectionsOptions = {}): (first: Detections, second: Detections) => MatchedDetections {
  return detectionMatcher('matchDetections', options);
}
