import type { OperatorFunction } from 'rxjs';
import { anchorOf, checkPlace } from './meaning/anchor.js';
import type { Anchor } from './meaning/anchor.js';
import { bySource } from './meaning/bySource.js';
import { checkFiniteSpan, checkWord, refuse } from './checks.js';
import { checkTracks } from './meaning/checks.js';
import { GroundMotion } from './meaning/groundMotion.js';
import { determinant, estimateHomography, project } from './meaning/homography.js';
import type { Homography, PointPair } from './meaning/homography.js';
import { checkPoint, fromPixels } from './meaning/point.js';
import type { Point, Units } from './meaning/point.js';
import { withObjects } from './meaning/withObjects.js';
import type { Tracks, WithObjects } from './tracks.js';

/** What {@link speed} adds to an object; undefined where it is not known. */
export interface ObjectMotion {
  /** Where it stands on the ground, in metres. */
  readonly position: Point | undefined;
  /** How fast it moves over the ground, in the unit of the options. */
  readonly speed: number | undefined;
}

/** Options of {@link speed}; either `points` or `homography`. */
export interface SpeedOptions {
  /** Places in the picture and on the ground: four of which no three are on a line, or more, for the best fit. */
  readonly points?: readonly PointPair[];
  /** The rows of the 3x3 matrix that maps the picture to metres on the ground, in front of the camera with a positive scale. */
  readonly homography?: Homography;
  /** What places in the picture are given in. @defaultValue 'fractions' of its width and height, from 0 to 1 */
  readonly units?: Units;
  /** The point of a box that is on the ground. @defaultValue 'bottom' */
  readonly anchor?: Anchor;
  /** Unit of the speed. @defaultValue 'm/s' */
  readonly unit?: 'm/s' | 'km/h';
  /** Time over which the speed is taken, in milliseconds: longer is steadier, and later. @defaultValue 1000 */
  readonly windowMs?: number;
}

/**
 * Tells how fast objects move over the ground, from a picture whose plane is calibrated.
 *
 * ```
 * in     --t1-----t2-----t3-----t4--|
 *        speed({ points: […], unit: 'km/h' })
 * out    --t1-----t2-----t3-----t4--|
 * speed    ?      ?      31     30         known when the object has been seen for half of windowMs
 * ```
 *
 * The speed is the slope of the line that fits the positions of the last `windowMs` best. Each source has objects of its own.
 *
 * - **Emits** each value at once, each object with its `position` and `speed`.
 * - **Settles** a delivery when its value has been dealt with downstream.
 * - **Fails** the delivery of objects without an id, or with boxes that are none (`DETECTIONS_INVALID`).
 * - **Completes** with the source.
 *
 * Source of the calibration: Hartley and Zisserman, Multiple View Geometry in Computer Vision, 2nd edition, algorithm 4.2.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`, also for points that do not determine a plane, such as three on a line.
 * @example
 * ```ts
 * tracks.pipe(speed({ points: corners, unit: 'km/h' })).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function speed<V extends Tracks>(options: SpeedOptions): OperatorFunction<V, WithObjects<V, ObjectMotion>> {
  const { units = 'fractions', anchor = 'bottom', unit = 'm/s', windowMs = 1000 } = options;
  checkPlace('speed', anchor, units);
  checkWord('speed', 'unit', unit, ['m/s', 'km/h']);
  checkFiniteSpan('speed', 'windowMs', windowMs);
  const homography = homographyOf(options, units);
  const factor = unit === 'km/h' ? 3.6 : 1;

  return bySource('speed', () => () => {
    const motion = new GroundMotion(windowMs);
    return (value) => {
      checkTracks('speed', value);
      motion.forget(value.time);
      return withObjects(value, ({ id, box, found }): ObjectMotion => {
        const position = project(homography, fromPixels(anchorOf(box, anchor), units, value));
        if (position && found) motion.see(id, position, value.time);
        const metres = motion.speedOf(id);
        return { position, speed: metres === undefined ? undefined : metres * factor };
      });
    };
  });
}

function homographyOf({ points, homography }: SpeedOptions, units: Units): Homography {
  if ((points === undefined) === (homography === undefined)) refuse('speed', 'expected either points or homography');
  if (points) {
    points.forEach(({ image }, at) => checkPoint('speed', `image of points[${at}]`, image, units));
    return estimateHomography('speed', points);
  }
  if (homography?.length !== 9 || !homography.every(Number.isFinite))
    refuse('speed', `homography is [${homography?.join(', ')}]; expected nine numbers, row by row`);
  if (determinant(homography) === 0) refuse('speed', 'homography has no inverse: its rows depend on each other; expected one of a plane');
  return homography;
}
