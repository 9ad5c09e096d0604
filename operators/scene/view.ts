import { Random } from './random.js';

/**
 * Where things are in a picture that is 360 units high: the camera stands on the near pavement and looks across the
 * street, so that everything lower in the picture is nearer and larger.
 */
export interface View {
  /** Width of the picture in units. */
  readonly width: number;
  /** Pixels a unit. */
  readonly unit: number;
  /** Height of the eye line. */
  readonly horizon: number;
  /** Where the far pavement, the road and the near pavement begin. */
  readonly farPavement: number;
  readonly road: number;
  readonly nearPavement: number;
  /** Units a metre at ground height `y`. */
  readonly scaleAt: (y: number) => number;
}

/** The height of every picture in units. */
export const unitHeight = 360;

/** The view of a scene: a little different for each seed. */
export function viewOf(seed: number, width: number, height: number): View {
  const random = new Random(seed);
  const horizon = random.between(78, 98);
  const perMetre = random.between(0.29, 0.34);
  const farPavement = random.between(146, 156);
  const road = farPavement + random.between(27, 33);
  const nearPavement = road + random.between(90, 102);
  const unit = height / unitHeight;
  return { width: width / unit, unit, horizon, farPavement, road, nearPavement, scaleAt: (y) => perMetre * (y - horizon) };
}
