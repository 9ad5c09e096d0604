import { EdgeFlowError } from 'edgeflow';
import { edgesOf } from '../meaning/polygon.js';
import { segmentsTouch } from '../meaning/segment.js';
import type { Size } from './letterboxGeometry.js';

/** A corner of a polygon. */
export type PolygonPoint = readonly [x: number, y: number];

/** A polygon in pixels of a picture: one whose numbers are all from 0 to 1 is in fractions of the picture. */
export function inPixels(polygon: readonly PolygonPoint[], { width, height }: Size): readonly PolygonPoint[] {
  return polygon.every((point) => point.every((value) => value <= 1)) ? polygon.map(([x, y]) => [x * width, y * height]) : polygon;
}

/** @throws EdgeFlowError `OPTIONS_INVALID` for fewer than three corners, numbers that are none or negative, no area, and edges that cross. */
export function checkRegion(operator: string, polygon: readonly PolygonPoint[]): void {
  const fail = (found: string): never => {
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${operator}: region ${found}; expected at least three corners [x, y] in their order around the area, in pixels or in fractions of the frame`,
    );
  };
  // It may come from a command line.
  const isPoint = (point: unknown): boolean =>
    Array.isArray(point) && point.length === 2 && point.every((value) => Number.isFinite(value) && value >= 0);
  if (!Array.isArray(polygon)) fail(`is ${JSON.stringify(polygon)}`);
  if (polygon.length < 3) fail(`has ${polygon.length} corners`);
  for (const point of polygon)
    if (!isPoint(point)) fail(`has the corner ${Array.isArray(point) ? `[${point.join(', ')}]` : String(point)}`);
  const edges = edgesOf(polygon);
  for (const [i, a] of edges.entries())
    for (const [j, b] of edges.entries())
      if (j > i && !areNeighbours(i, j, edges.length) && segmentsTouch(...a, ...b))
        fail(`crosses itself: its edges ${i + 1} and ${j + 1} meet`);
  if (area(polygon) === 0) fail('has no area');
}

function areNeighbours(i: number, j: number, count: number): boolean {
  return j === i + 1 || (i === 0 && j === count - 1);
}

function area(polygon: readonly PolygonPoint[]): number {
  return edgesOf(polygon).reduce((sum, [[x1, y1], [x2, y2]]) => sum + (x1 * y2 - x2 * y1) / 2, 0);
}
