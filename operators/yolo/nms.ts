import { iou } from '../detections.js';
import type { Candidate } from './decode.js';

/**
 * Non-maximum suppression, class by class: keeps the best box of each heap of overlapping ones.
 *
 * @param candidates - in any order.
 * @param iouThreshold - boxes of one class that overlap a better one by more than this are dropped.
 * @param limit - at most this many are kept, which also bounds the work at a very low score threshold.
 * @param wanted - what it refuses still suppresses what it covers, but is not returned and does not count.
 * @returns the kept ones, best score first; among equal scores the earlier candidate counts as better.
 */
export function nms<T extends Pick<Candidate, 'box' | 'score' | 'classId'>>(
  candidates: readonly T[],
  iouThreshold: number,
  limit: number,
  wanted: (candidate: T) => boolean = () => true,
): T[] {
  const better: T[] = [];
  const kept: T[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (kept.length >= limit) break;
    const covered = better.some(({ classId, box }) => classId === candidate.classId && iou(box, candidate.box) > iouThreshold);
    if (covered) continue;
    better.push(candidate);
    if (wanted(candidate)) kept.push(candidate);
  }
  return kept;
}
