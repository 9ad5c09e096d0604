import { EdgeFlowError, mapAsync } from 'edgeflow';
import { defer } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { checkAtLeast, checkPositive, checkRange } from './checks.js';
import type { Box } from './detections.js';
import type { Frame } from './frame.js';
import { Background } from './motion/background.js';
import { grayPicture } from './motion/grayPicture.js';
import { regionsOf, withoutSpecks } from './motion/regions.js';

/** Options of {@link detectMotion}. */
export interface DetectMotionOptions {
  /** Least difference in brightness, of 255, of a pixel that counts as changed. @defaultValue 18 */
  readonly threshold?: number;
  /** Least area of what counts as moving, as a share of the picture. @defaultValue 0.002 */
  readonly minAreaShare?: number;
  /**
   * What a frame is compared with: a `running` average, in which also what moves slowly or has stopped is seen; or the
   * `previous` frame, in which only what moves just now is seen.
   *
   * @defaultValue 'running'
   */
  readonly background?: 'running' | 'previous';
  /** How much of each frame goes into the running average where nothing moves, from 0 to 1. @defaultValue 0.05 */
  readonly learningRate?: number;
  /** After how many frames what has come and stays is background, such as a parked car. @defaultValue 600 */
  readonly absorbFrames?: number;
  /** Width to which pictures are scaled down before they are compared, in pixels. @defaultValue 160 */
  readonly width?: number;
}

/** What moves in a frame. */
export interface Motion {
  /** Whether anything does. */
  readonly moving: boolean;
  /** Share of the picture that has changed, in regions large enough to count: from 0 to 1. */
  readonly score: number;
  /** Where, in pixels of the frame, the largest first. */
  readonly boxes: readonly Box[];
  readonly frame: Frame;
}

/** Sources whose background is kept; beyond these, that of the one not seen for longest is forgotten. */
const mostSources = 64;

/** How far apart the parts of one thing may be, in pixels of the small picture. */
const reach = 2;

/**
 * Tells in which frames something moves, and where: a cheap gate before a model.
 *
 * ```
 * in   --empty-----person-----empty--|
 *      detectMotion(), filter(({ moving }) => moving), map(({ frame }) => frame)
 * out  ------------person------------|
 * ```
 *
 * Frames are scaled down to gray and compared with the background; a change of the light as a whole is taken out by the
 * median of the differences. Pixels that differ by more than the threshold are joined to regions, and those that are large
 * enough count. Running average and frame difference as in Piccardi, "Background subtraction techniques: a review" (2004).
 *
 * - **Emits** one {@link Motion} for each frame, in order. Each source has its own background, so that frames of several
 *   cameras may come in one stream. In the first frame of a source, and in the first after a change of size, nothing moves.
 * - **Settles** a delivery when its result has been dealt with downstream.
 * - **Fails** the delivery with `FRAME_INVALID` or `IMAGE_INVALID` when a frame does not hold what it says; the background
 *   stays as it was.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * camera({ source }).pipe(detectMotion(), filter(({ moving }) => moving), map(({ frame }) => frame), detectYolo())
 * ```
 */
export function detectMotion(options: DetectMotionOptions = {}): OperatorFunction<Frame, Motion> {
  const { threshold = 18, minAreaShare = 0.002, background = 'running', learningRate = 0.05, absorbFrames = 600, width = 160 } = options;
  const check = (name: string, found: unknown, fine: boolean, expected: string): void => {
    if (!fine) throw new EdgeFlowError('OPTIONS_INVALID', `detectMotion: ${name} is ${String(found)}; expected ${expected}`);
  };
  checkPositive('detectMotion', 'threshold', threshold);
  checkRange('detectMotion', 'threshold', threshold, 0, 255);
  checkRange('detectMotion', 'minAreaShare', minAreaShare, 0, 1);
  check('background', background, ['running', 'previous'].includes(background), "'running' or 'previous'");
  checkPositive('detectMotion', 'learningRate', learningRate);
  checkRange('detectMotion', 'learningRate', learningRate, 0, 1);
  checkAtLeast('detectMotion', 'absorbFrames', absorbFrames, 1);
  check('width', width, Number.isInteger(width) && width >= 16 && width <= 1920, 'a whole number from 16 to 1920');

  return (frames) =>
    defer(() => {
      const backgrounds = new Map<string, { readonly size: string; readonly background: Background }>();
      const backgroundOf = ({ source, width: w, height: h }: Frame): Background => {
        const size = `${w}x${h}`;
        const known = backgrounds.get(source);
        const entry =
          known?.size === size
            ? known
            : { size, background: background === 'previous' ? new Background(1, 1) : new Background(learningRate, absorbFrames) };
        backgrounds.delete(source);
        backgrounds.set(source, entry);
        const [longest] = backgrounds.keys();
        if (backgrounds.size > mostSources && longest !== undefined) backgrounds.delete(longest);
        return entry.background;
      };
      return frames.pipe(
        mapAsync(async (frame): Promise<Motion> => {
          const gray = await grayPicture(frame, width);
          const changed = backgroundOf(frame).compare(gray, threshold);
          const pixels = gray.width * gray.height;
          const regions = regionsOf(withoutSpecks(changed, gray.width, gray.height), gray.width, gray.height, reach)
            .filter(({ area }) => area >= minAreaShare * pixels)
            .sort((a, b) => b.area - a.area);
          const [x, y] = [frame.width / gray.width, frame.height / gray.height];
          return {
            moving: regions.length > 0,
            score: regions.reduce((sum, { area }) => sum + area, 0) / pixels,
            boxes: regions.map(({ box: [x1, y1, x2, y2] }) => [x1 * x, y1 * y, x2 * x, y2 * y]),
            frame,
          };
        }),
      );
    });
}
