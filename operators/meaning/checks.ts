import { EdgeFlowError } from 'edgeflow';
import { isObject } from '../checks.js';
import type { Detection, Detections } from '../detections.js';
import type { Tracks } from '../tracks.js';

function unusable(operator: string, { index, source }: Detections, what: string): never {
  throw new EdgeFlowError('DETECTIONS_INVALID', `${operator}: frame ${index} of '${source}': ${what}`);
}

const isSide = (side: unknown): boolean => typeof side === 'number' && side > 0 && side < Infinity;

/**
 * Checks that a value can be detections at all: what a node in JavaScript gave may be anything.
 *
 * @throws EdgeFlowError `DETECTIONS_INVALID`
 */
export function checkIsObject(operator: string, value: unknown): void {
  if (isObject(value)) return;
  throw new EdgeFlowError('DETECTIONS_INVALID', `${operator}: a value is ${String(value)}; expected detections`);
}

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
  if (!Array.isArray(objects)) unusable(operator, value, 'objects is no list');
  objects.forEach((object: Detection | null, at) => {
    if (!isObject(object)) unusable(operator, value, `object ${at} is ${String(object)}; expected one with a box`);
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
