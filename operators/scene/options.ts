import { EdgeFlowError } from 'edgeflow';
import { casts } from './casts.js';
import type { Cast } from './casts.js';

/** Which street is drawn, and how. */
export interface SceneView {
  /** Which street: the same seed gives the same bytes in every process. @defaultValue 1 */
  readonly seed?: number;
  /** In pixels, from 32 to 4096. @defaultValue 640 */
  readonly width?: number;
  /** In pixels, from 32 to 4096. @defaultValue 360 */
  readonly height?: number;
  /** Frames a second of scene time. @defaultValue 15 */
  readonly fps?: number;
  /**
   * How busy the street is, as a multiple of the usual, from 0 to 20: for all together, or for each of `walkers`, `dogs`,
   * `cars` and `cyclists`, of which those that are not named do not come.
   *
   * @defaultValue 1
   */
  readonly traffic?: number | Readonly<Partial<Record<Cast, number>>>;
}

/** Options of `scene`. */
export interface SceneOptions extends SceneView {
  /** `true`: at most `fps` frames a second, as a real camera. `false`: as fast as they are taken. @defaultValue true */
  readonly pace?: boolean;
  /** End after this many frames. @defaultValue Infinity */
  readonly frames?: number;
}

/** Checked options of a scene, with their defaults. */
export interface SceneSettings {
  readonly view: Required<SceneView>;
  readonly pace: boolean;
  readonly frames: number;
}

const leastPixels = 32;
const mostPixels = 4096;
const isSide = (side: number): boolean => Number.isInteger(side) && side >= leastPixels && side <= mostPixels;

/**
 * A view with its defaults.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for sizes, a frame rate or a traffic that no scene can have.
 */
export function checkSceneView(view: SceneView): Required<SceneView> {
  const { seed = 1, width = 640, height = 360, fps = 15, traffic = 1 } = view;
  const check = (name: string, found: unknown, fine: boolean, expected: string): void => {
    if (!fine) throw new EdgeFlowError('OPTIONS_INVALID', `scene: ${name} is ${String(found)}; expected ${expected}`);
  };
  check('seed', seed, Number.isSafeInteger(seed), 'a whole number');
  check('width', width, isSide(width), `a whole number from ${leastPixels} to ${mostPixels}`);
  check('height', height, isSide(height), `a whole number from ${leastPixels} to ${mostPixels}`);
  check('fps', fps, fps > 0 && fps <= 1000, 'more than 0 and at most 1000');
  for (const [name, density] of Object.entries(typeof traffic === 'number' ? { traffic } : traffic)) {
    check('traffic', name, typeof traffic === 'number' || Object.hasOwn(casts, name), `walkers, dogs, cars or cyclists`);
    check(name, density, density >= 0 && density <= 20, 'from 0 to 20');
  }
  return { seed, width, height, fps, traffic };
}

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function checkSceneOptions({ pace = true, frames = Infinity, ...view }: SceneOptions): SceneSettings {
  if (!(frames === Infinity || (Number.isInteger(frames) && frames >= 0)))
    throw new EdgeFlowError('OPTIONS_INVALID', `scene: frames is ${frames}; expected a whole number from 0, or Infinity`);
  return { view: checkSceneView(view), pace, frames };
}
