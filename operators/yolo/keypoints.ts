import { EdgeFlowError } from 'edgeflow';
import type { Head } from './heads.js';
import type { LetterboxGeometry } from './letterboxGeometry.js';

/** The 17 keypoints of COCO in the order of all published models. */
export const coco17: readonly string[] = (
  'nose,left eye,right eye,left ear,right ear,left shoulder,right shoulder,left elbow,right elbow,left wrist,right wrist,' +
  'left hip,right hip,left knee,right knee,left ankle,right ankle'
).split(',');

/**
 * The keypoints of one object: x and y in pixels of the source, clipped to the picture, and the score where there is one.
 *
 * @param anchor - number of the object's row or column in the output.
 * @throws EdgeFlowError `INFERENCE_FAILED` for numbers that are not finite.
 */
export function keypointsAt(values: Float32Array, head: Head, anchor: number, geometry: LetterboxGeometry): number[] {
  if (!('keypoints' in head)) return [];
  const { count, dims } = head.keypoints ?? { count: 0, dims: 3 };
  const numbers = count * dims;
  // Columns of an output that is not suppressed, rows of a final list.
  const [start, step] =
    head.kind === 'yolov8' ? [(4 + head.classes) * head.anchors + anchor, head.anchors] : [anchor * (6 + numbers) + 6, 1];
  const clip = (value: number, limit: number): number => Math.min(limit, Math.max(0, value));
  const { source, scaleX, scaleY, offsetX, offsetY } = geometry;
  return Array.from({ length: numbers }, (_, i) => {
    const value = values[start + i * step] ?? NaN;
    if (!Number.isFinite(value))
      throw new EdgeFlowError(
        'INFERENCE_FAILED',
        `keypoint ${Math.floor(i / dims)} of an object has the number ${value}; expected finite ones`,
      );
    if (i % dims === 0) return clip((value - offsetX) / scaleX, source.width);
    return i % dims === 1 ? clip((value - offsetY) / scaleY, source.height) : value;
  });
}
