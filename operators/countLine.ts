import type { OperatorFunction } from 'rxjs';
import { anchorOf, checkPlace } from './meaning/anchor.js';
import type { Anchor } from './meaning/anchor.js';
import { bySource } from './meaning/bySource.js';
import { checkAtLeast, refuse } from './checks.js';
import { checkTracks } from './meaning/checks.js';
import { LineCrossings } from './meaning/lineCrossings.js';
import { checkList, checkPoint, toPixels, written } from './meaning/point.js';
import type { Point, Units } from './meaning/point.js';
import { PictureSize } from './meaning/pictureSize.js';
import type { Tracks } from './tracks.js';

/** How many have passed a line each way. */
export interface LineTotals {
  readonly in: number;
  readonly out: number;
}

/** An object that passed the line. */
export interface Crossing {
  /** The object's id. */
  readonly id: number;
  /** The object's class. */
  readonly label: string;
  /** `in`: to the right hand of who goes along the line from its first point to its second; `out`: to the left. */
  readonly direction: 'in' | 'out';
  /** Time of the frame in which it was beyond the band, in milliseconds since the epoch. */
  readonly time: number;
}

/** What {@link countLine} adds to a frame. */
export type AtLine<V extends Tracks> = V & {
  readonly crossings: readonly Crossing[];
  /** Since the subscription began: of all objects, and by class. */
  readonly totals: LineTotals & { readonly byLabel: Readonly<Record<string, LineTotals>> };
};

/** Options of {@link countLine}. */
export interface CountLineOptions {
  /** The two ends of the line. Who goes around an end is not counted. */
  readonly line: readonly [Point, Point];
  /** What the ends are given in. @defaultValue 'fractions' of the picture's width and height, from 0 to 1 */
  readonly units?: Units;
  /** The point of a box that must pass the line. @defaultValue 'bottom' */
  readonly anchor?: Anchor;
  /**
   * Distance from the line, on each side, within which nothing is decided: more than boxes jitter. In pixels, or as a part of the
   * picture's height.
   * @defaultValue 0.01 of the picture's height
   */
  readonly band?: number;
  /** Names of the classes to count. @defaultValue all */
  readonly classes?: readonly string[];
  /** An object that has not been seen for so many milliseconds is forgotten. @defaultValue 1000 */
  readonly lostMs?: number;
}

/**
 * Counts the objects that pass a line, each way.
 *
 * ```
 * in         --t1-----t2-----t3-----t4--|      a car passes between t1 and t3, and is in the band at t2
 *            countLine({ line: [[0.2, 0.5], [0.8, 0.5]] })
 * out        --t1-----t2-----t3-----t4--|
 * crossings                  in
 * totals       0      0      1      1
 * ```
 *
 * An object has passed when it comes out of the band on the other side, once however much it jitters in it; who turns around
 * in the band has not. Each source has its own totals.
 *
 * - **Emits** each value at once, with the frame's `crossings` and the running `totals`.
 * - **Settles** a delivery when its value has been dealt with downstream.
 * - **Fails** the delivery of objects without an id, or with boxes that are none (`DETECTIONS_INVALID`).
 * - **Completes** with the source.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * tracks.pipe(countLine({ line: [[0, 0.6], [1, 0.6]], classes: ['person'] })).subscribe(({ totals }) => console.log(totals));
 * ```
 */
export function countLine<V extends Tracks>(options: CountLineOptions): OperatorFunction<V, AtLine<V>> {
  const { line, units = 'fractions', anchor = 'bottom', band, classes, lostMs = 1000 } = options;
  checkPlace('countLine', anchor, units);
  const ends: readonly Point[] = line;
  checkList('countLine', 'line', ends);
  if (ends.length !== 2) refuse('countLine', `line has ${ends.length} points; expected its two ends`);
  line.forEach((point, at) => checkPoint('countLine', `line[${at}]`, point, units));
  if (line[0][0] === line[1][0] && line[0][1] === line[1][1])
    refuse('countLine', `both ends of line are ${written(line[0])}; expected two different points`);
  if (band !== undefined) checkAtLeast('countLine', 'band', band, 0);
  if (classes?.length === 0) refuse('countLine', 'classes is empty; name at least one, or leave it out to count all');
  checkAtLeast('countLine', 'lostMs', lostMs, 0);

  return bySource('countLine', () => () => {
    const known = new LineCrossings(lostMs);
    const size = new PictureSize();
    return (value) => {
      checkTracks('countLine', value);
      const ends = [toPixels(line[0], units, value), toPixels(line[1], units, value)] as const;
      const width = band === undefined ? 0.01 * value.height : units === 'pixels' ? band : band * value.height;
      const factors = size.grownTo(value);
      if (factors) known.scale(...factors);
      known.forget(value.time);
      const crossings = value.objects
        .filter(({ label }) => !classes || classes.includes(label))
        .flatMap((object) => known.see(object, anchorOf(object.box, anchor), { ends, band: width, time: value.time }));
      return { ...value, crossings, totals: known.totals() };
    };
  });
}
