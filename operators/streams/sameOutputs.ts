import { isDeepStrictEqual } from 'node:util';
import type { Detections } from '../detections.js';
import { sameDetections } from '../sameDetections.js';

const sameObjects = sameDetections();

/** Whether two values have the same content; detections, whether they tell of the same objects. */
export function sameOutputs(a: unknown, b: unknown): boolean {
  return isDetections(a) && isDetections(b) ? sameObjects(a, b) : isDeepStrictEqual(a, b);
}

function isDetections(value: unknown): value is Detections {
  if (typeof value !== 'object' || value === null) return false;
  const { objects, model, width, height } = value as Partial<Record<keyof Detections, unknown>>;
  if (!Array.isArray(objects) || typeof model !== 'string' || typeof width !== 'number' || typeof height !== 'number') return false;
  return objects.every((object: unknown) => Array.isArray((object as { readonly box?: unknown } | null)?.box));
}
