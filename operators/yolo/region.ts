import { EdgeFlowError } from 'edgeflow';
import type { Size } from './letterboxGeometry.js';

/** A corner of a polygon. */
export type PolygonPoint = readonly [x: number, y: number];

/**
 * Whether a point lies in a polygon: a ray to the right crosses its edges an odd number of times.
 *
 * @see https://wrfranklin.org/Research/Short_Notes/pnpoly.html
 */
export function isInside([x, y]: PolygonPoint, polygon: readonly PolygonPoint[]): boolean {
  let inside = false;
  for (const [[x1, y1], [x2, y2]] of edgesOf(polygon)) {
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

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
  if (polygon.length < 3) fail(`has ${polygon.length} corners`);
  for (const point of polygon)
    if (!point.every((value) => Number.isFinite(value) && value >= 0)) fail(`has the corner [${point.join(', ')}]`);
  const edges = edgesOf(polygon);
  for (const [i, a] of edges.entries())
    for (const [j, b] of edges.entries())
      if (j > i && !areNeighbours(i, j, edges.length) && touch(a, b)) fail(`crosses itself: its edges ${i + 1} and ${j + 1} meet`);
  if (area(polygon) === 0) fail('has no area');
}

type Edge = readonly [from: PolygonPoint, to: PolygonPoint];

function edgesOf(polygon: readonly PolygonPoint[]): Edge[] {
  return polygon.map((point, index) => [point, polygon[(index + 1) % polygon.length] ?? point]);
}

function areNeighbours(i: number, j: number, count: number): boolean {
  return j === i + 1 || (i === 0 && j === count - 1);
}

function area(polygon: readonly PolygonPoint[]): number {
  return edgesOf(polygon).reduce((sum, [[x1, y1], [x2, y2]]) => sum + (x1 * y2 - x2 * y1) / 2, 0);
}

/** On which side of a line a point lies: the sign of a cross product, 0 on the line. */
function sideOf([[x1, y1], [x2, y2]]: Edge, [x, y]: PolygonPoint): number {
  return Math.sign((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1));
}

function touch(a: Edge, b: Edge): boolean {
  const [s1, s2] = [sideOf(a, b[0]), sideOf(a, b[1])];
  const [s3, s4] = [sideOf(b, a[0]), sideOf(b, a[1])];
  if (s1 * s2 < 0 && s3 * s4 < 0) return true;
  return (s1 === 0 && within(a, b[0])) || (s2 === 0 && within(a, b[1])) || (s3 === 0 && within(b, a[0])) || (s4 === 0 && within(b, a[1]));
}

/** Whether a point of an edge's line lies on the edge. */
function within([[x1, y1], [x2, y2]]: Edge, [x, y]: PolygonPoint): boolean {
  return Math.min(x1, x2) <= x && x <= Math.max(x1, x2) && Math.min(y1, y2) <= y && y <= Math.max(y1, y2);
}
