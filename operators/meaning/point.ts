import { refuse } from '../checks.js';

/** A place in a picture: to the right and down from its top left corner. */
export type Point = readonly [x: number, y: number];

/** What places are given in: parts of the picture's width and height from 0 to 1, or pixels. */
export type Units = 'fractions' | 'pixels';

/** Size of a picture in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** A place in pixels. */
export function toPixels([x, y]: Point, units: Units, { width, height }: Size): Point {
  return units === 'pixels' ? [x, y] : [x * width, y * height];
}

/** A place in pixels in the units of the options. */
export function fromPixels([x, y]: Point, units: Units, { width, height }: Size): Point {
  return units === 'pixels' ? [x, y] : [x / width, y / height];
}

/** How a place is written in messages. */
export const written = ([x, y]: Point): string => `[${x}, ${y}]`;

/** Checks that an option, which may come from a command line, is a list. */
export function checkList(operator: string, name: string, list: readonly unknown[], expected = 'a list of points [x, y]'): void {
  if (!Array.isArray(list)) refuse(operator, `${name} is ${JSON.stringify(list)}; expected ${expected}`);
}

/** Checks that an option is a place in a picture. */
export function checkPoint(operator: string, name: string, point: readonly number[], units: Units): void {
  checkList(operator, name, point, 'two numbers, [x, y]');
  const [x = NaN, y = NaN] = point;
  if (point.length !== 2 || !Number.isFinite(x) || !Number.isFinite(y))
    refuse(operator, `${name} is [${point.join(', ')}]; expected two numbers`);
  if (units === 'fractions' && !(x >= 0 && x <= 1 && y >= 0 && y <= 1))
    refuse(operator, `${name} is ${written([x, y])}; expected parts of the picture from 0 to 1, or say units: 'pixels'`);
}
