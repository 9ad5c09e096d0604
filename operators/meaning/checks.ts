import { EdgeFlowError } from 'edgeflow';
import type { Detection, Detections } from '../detections.js';
import type { Tracks } from '../tracks.js';

function unusable(operator: string, { index, source }: Detections, what: string): never {
  throw new EdgeFlowError('DETECTIONS_INVALID', `${operator}: frame ${index} of '${source}': ${what}`);
}

const isSide = (side: unknown): boolean => typeof side === 'number' && side > 0 && side < Infinity;

/**
 * Checks what geometry and time are reckoned from. A box without area passes.
 *
 * @throws EdgeFlowError `DETECTIONS_INVALID`
 */
export function checkDetections(operator: string, value: Detections): void {
  const { objects, width, height, time, source } = value;
  if (typeof source !== 'string') unusable(operator, value, `source is ${String(source)}; expected a name`);
  if (!Number.isFinite(time)) unusable(operator, value, `time is ${time}; expected milliseconds since the epoch`);
  if (!isSide(width) || !isSide(height)) unusable(operator, value, `the picture is ${width}x${height}; expected a size in pixels`);
  objects.forEach((object, at) => {
    checkObject(object, (what) => unusable(operator, value, `object ${at} (${object.label}): ${what}`));
  });
}

function checkObject({ box, score }: Detection, fail: (what: string) => never): void {
  if (!Array.isArray(box)) fail(`box is ${String(box)}; expected four numbers`);
  const [x1, y1, x2, y2] = box;
  if (![x1, y1, x2, y2].every(Number.isFinite)) fail(`box is [${box.join(', ')}]; expected four numbers`);
  if (x2 < x1 || y2 < y1) fail(`box is [${box.join(', ')}]; expected left, top, right, bottom, with left <= right and top <= bottom`);
  if (!(score >= 0 && score <= 1)) fail(`score is ${score}; expected 0 to 1`);
}

/**
 * Checks detections, and that each has an id.
 *
 * @throws EdgeFlowError `DETECTIONS_INVALID`
 */
export function checkTracks(operator: string, value: Tracks): void {
  checkDetections(operator, value);
  const seen = new Set<number>();
  for (const { id, label } of value.objects) {
    if (!Number.isSafeInteger(id)) unusable(operator, value, `a ${label} has the id ${id}; put trackObjects() before ${operator}`);
    if (seen.has(id)) unusable(operator, value, `two objects have the id ${id}; expected one of each`);
    seen.add(id);
  }
}
