import type { Point } from './point.js';

/**
 * On which side of the line through `a` and `b` a point is: positive on the right hand of who goes from `a` to `b` in
 * the picture, negative on the left, 0 on the line. Divided by the length of `ab` it is the distance.
 */
export function sideOf(a: Point, b: Point, [x, y]: Point): number {
  return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
}

/** Distance of a point from the line through `a` and `b`, positive on its right hand. */
export function distanceFrom(a: Point, b: Point, point: Point): number {
  return sideOf(a, b, point) / Math.hypot(b[0] - a[0], b[1] - a[1]);
}

/** Where the way from `p` to `q` passes the line through `a` and `b`: 0 at `a`, 1 at `b`. The two must not be on one side. */
export function passedAt(a: Point, b: Point, p: Point, q: Point): number {
  const before = sideOf(a, b, p);
  const part = before / (before - sideOf(a, b, q));
  const along = [b[0] - a[0], b[1] - a[1]] as const;
  const x = p[0] + part * (q[0] - p[0]) - a[0];
  const y = p[1] + part * (q[1] - p[1]) - a[1];
  return (x * along[0] + y * along[1]) / (along[0] ** 2 + along[1] ** 2);
}

/** Whether `p`, known to be on the line of the segment, is on the segment. */
const within = (a: Point, b: Point, p: Point): boolean =>
  Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1]);

/** Whether two segments touch (Cormen et al., Introduction to Algorithms, 33.1). */
export function segmentsTouch(a: Point, b: Point, c: Point, d: Point): boolean {
  const [s1, s2, s3, s4] = [sideOf(c, d, a), sideOf(c, d, b), sideOf(a, b, c), sideOf(a, b, d)].map(Math.sign) as [
    number,
    number,
    number,
    number,
  ];
  if (s1 * s2 < 0 && s3 * s4 < 0) return true;
  return (s1 === 0 && within(c, d, a)) || (s2 === 0 && within(c, d, b)) || (s3 === 0 && within(a, b, c)) || (s4 === 0 && within(a, b, d));
}
