import { refuse } from '../checks.js';
import { checkList, checkPoint, written } from './point.js';
import type { Point, Units } from './point.js';
import { segmentsTouch, sideOf } from './segment.js';

type Edge = readonly [from: Point, to: Point];

/** Its sides, in their order; the last one leads back to the first corner. */
export function edgesOf(polygon: readonly Point[]): Edge[] {
  return polygon.flatMap((from, at) => {
    const to = polygon[(at + 1) % polygon.length];
    return to ? [[from, to] as const] : [];
  });
}

/**
 * Whether a point is in a polygon: a ray to the right passes its edges an odd number of times (Shimrat 1962, Algorithm
 * 112). Of two polygons that share an edge, a point on it is in exactly one.
 */
export function isInside(polygon: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  for (const [[x1, y1], [x2, y2]] of edgesOf(polygon)) {
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  }
  return inside;
}

/** Checks that an option is a simple polygon: three corners or more, no edge that touches one which is not its neighbour. */
export function checkPolygon(operator: string, name: string, polygon: readonly Point[], units: Units): void {
  checkList(operator, name, polygon);
  if (polygon.length < 3) refuse(operator, `${name} has ${polygon.length} corners; expected at least 3`);
  polygon.forEach((point, at) => checkPoint(operator, `corner ${at} of ${name}`, point, units));
  const edges = edgesOf(polygon);
  const tell = (at: number): string => {
    const edge = edges[at];
    return edge ? `${at} (${edge.map(written).join(' to ')})` : String(at);
  };
  edges.forEach(([a, b], i) => {
    if (a[0] === b[0] && a[1] === b[1]) refuse(operator, `edge ${tell(i)} of ${name} has no length; leave out the second corner`);
    edges.forEach(([c, d], j) => {
      if (j <= i) return;
      const next = j === i + 1;
      const around = i === 0 && j === edges.length - 1;
      // Neighbours always touch at their corner; they must not run back along each other.
      const back = next ? runsBack(a, b, d) : around ? runsBack(c, d, b) : false;
      if (back || (!next && !around && segmentsTouch(a, b, c, d)))
        refuse(operator, `edges ${tell(i)} and ${tell(j)} of ${name} cross; give the corners in their order around the zone`);
    });
  });
}

/** Whether the way from `a` to `b` goes on to `c` in the opposite direction. */
function runsBack(a: Point, b: Point, c: Point): boolean {
  return sideOf(a, b, c) === 0 && (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0;
}
