import { refuse } from '../checks.js';
import { written } from './point.js';
import type { Point } from './point.js';
import { sideOf } from './segment.js';

/** A homography: three rows of a 3x3 matrix, one after the other. */
export type Homography = readonly [number, number, number, number, number, number, number, number, number];

/** A place in the picture and where it is on the ground, in metres. */
export interface PointPair {
  readonly image: Point;
  readonly ground: Point;
}

/** Where a point is mapped to; undefined on the far side of the horizon, where the ground is not seen. */
export function project([a, b, c, d, e, f, g, h, i]: Homography, [x, y]: Point): Point | undefined {
  const w = g * x + h * y + i;
  return w > 1e-12 ? [(a * x + b * y + c) / w, (d * x + e * y + f) / w] : undefined;
}

/** Three points whose triangle is this small, as a part of the square of the extent of all, are on one line. */
const flat = 1e-4;

/** Pivots below this, of equations between numbers near 1, are 0. */
const leastPivot = 1e-9;

/**
 * Estimates the homography that maps picture to ground by the normalised direct linear transformation (Hartley and Zisserman,
 * Multiple View Geometry, 2nd edition, algorithm 4.2): exact for four pairs, least squares for more.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for fewer than four pairs, and for points that do not determine it.
 */
export function estimateHomography(operator: string, pairs: readonly PointPair[]): Homography {
  if (pairs.length < 4) refuse(operator, `points has ${pairs.length} pairs; expected at least 4`);
  for (const side of ['image', 'ground'] as const) {
    checkSpread(
      operator,
      side,
      pairs.map((pair) => pair[side]),
    );
  }
  const image = normaliser(pairs.map((pair) => pair.image));
  const ground = normaliser(pairs.map((pair) => pair.ground));
  const normal = Array.from({ length: 8 }, () => new Array<number>(9).fill(0));
  for (const pair of pairs) {
    const [x, y] = image.to(pair.image);
    const [u, v] = ground.to(pair.ground);
    // The last entry is 1: the middle of the points, where it alone counts, is not on the horizon.
    for (const equation of [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ])
      normal.forEach((row, i) => equation.forEach((value, j) => (row[j] = (row[j] ?? 0) + (equation[i] ?? 0) * value)));
  }
  const solved = solve(normal);
  if (!solved) refuse(operator, 'points do not determine a plane; choose four that are spread over the ground');
  const matrix = [...solved, 1] as unknown as Homography;
  const result = multiply(multiply(ground.back, matrix), image.matrix);
  for (const { image: point } of pairs) {
    if (!project(result, point))
      refuse(operator, `point ${written(point)} is beyond the horizon of the others; check the order of the pairs`);
  }
  return result;
}

/** Refuses four points of which three are on a line, and more than four of which all but one are. */
function checkSpread(operator: string, side: string, points: readonly Point[]): void {
  points.forEach((point, at) => {
    if (!point.every(Number.isFinite)) refuse(operator, `${side} of points[${at}] is [${point.join(', ')}]; expected two numbers`);
  });
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const extent = Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const collinear = (a: Point, b: Point, c: Point): boolean => Math.abs(sideOf(a, b, c)) <= flat * extent ** 2;
  points.forEach((a, i) => {
    points.slice(i + 1).forEach((b, j) => {
      const others = points.filter((_, at) => at !== i && at !== i + 1 + j);
      const on = others.filter((c) => collinear(a, b, c));
      const [third] = on;
      if (third && on.length >= others.length - 1)
        refuse(operator, `${side} points ${[a, b, third].map(written).join(', ')} are on one line; choose points of which no three are`);
    });
  });
}

interface Normaliser {
  readonly to: (point: Point) => Point;
  readonly matrix: Homography;
  readonly back: Homography;
}

/** Moves the middle of the points to 0 and their mean distance from it to √2, which keeps the equations well conditioned. */
function normaliser(points: readonly Point[]): Normaliser {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [cx, cy] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const scale = Math.SQRT2 / mean(points.map(([x, y]) => Math.hypot(x - cx, y - cy)));
  return {
    to: ([x, y]) => [(x - cx) * scale, (y - cy) * scale],
    matrix: [scale, 0, -cx * scale, 0, scale, -cy * scale, 0, 0, 1],
    back: [1 / scale, 0, cx, 0, 1 / scale, cy, 0, 0, 1],
  };
}

/** Gaussian elimination with partial pivoting of rows that end in their right-hand side; undefined where they are dependent. */
function solve(rows: number[][]): number[] | undefined {
  const size = rows.length;
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) if (Math.abs(at(row, column)) > Math.abs(at(pivot, column))) pivot = row;
    const [upper, lower] = [rows[column], rows[pivot]];
    if (!upper || !lower || !(Math.abs(at(pivot, column)) > leastPivot)) return undefined;
    [rows[column], rows[pivot]] = [lower, upper];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = at(row, column) / at(column, column);
      rows[row] = (rows[row] ?? []).map((value, place) => value - factor * at(column, place));
    }
  }
  return rows.map((_, row) => at(row, size) / at(row, row));
}

/** The product of two 3x3 matrices. */
export function multiply(left: Homography, right: Homography): Homography {
  return left.map((_, at) => {
    const [row, column] = [Math.floor(at / 3) * 3, at % 3];
    return [0, 1, 2].reduce((sum, k) => sum + (left[row + k] ?? 0) * (right[k * 3 + column] ?? 0), 0);
  }) as unknown as Homography;
}

/** The determinant of a 3x3 matrix. */
export function determinant([a, b, c, d, e, f, g, h, i]: Homography): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}
