import { EdgeFlowError, mapAsync } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkCount } from './checks.js';
import { checkFrame, maxFrameSide } from './frame.js';
import type { Frame } from './frame.js';
import { decodePicture, guard, openFrame } from './picture.js';

/** Options of {@link resize}. At least one of `width` and `height` is needed. */
export interface ResizeOptions {
  /** In pixels. @defaultValue follows from the height */
  readonly width?: number;
  /** In pixels. @defaultValue follows from the width */
  readonly height?: number;
  /**
   * What to do when the shape differs: `cover` cuts off what is over, `contain` adds black bars, `fill` distorts,
   * `inside` makes the picture as large as fits, so that one side may be shorter than asked for.
   * @defaultValue 'cover'
   */
  readonly fit?: 'cover' | 'contain' | 'fill' | 'inside';
  /** Frames resized at once. @defaultValue 1 */
  readonly concurrency?: number;
}

/**
 * Scales frames, with antialiasing. Raw frames keep their format; `jpeg` frames come out as `rgb24`.
 *
 * ```
 * in   --1920x1080---1920x1080---|
 *      resize({ width: 640 })
 * out  -----640x360-----640x360--|
 * ```
 *
 * - **Emits** one frame for each frame, in order.
 * - **Settles** a delivery when its frame has been dealt with downstream.
 * - **Fails** the delivery with `FRAME_INVALID` or `IMAGE_INVALID` when a frame does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a side out of its range or a concurrency below 1.
 * @example
 * ```ts
 * camera({ source: '4k.mp4' }).pipe(resize({ width: 640, height: 640, fit: 'inside' }))
 * ```
 */
export function resize(options: ResizeOptions): OperatorFunction<Frame, Frame> {
  const { width, height, fit = 'cover', concurrency = 1 } = options;
  if (width === undefined && height === undefined) throw new EdgeFlowError('OPTIONS_INVALID', 'resize: give a width, a height, or both');
  for (const [name, side] of Object.entries({ width, height })) {
    if (side !== undefined) checkCount('resize', name, side, maxFrameSide);
  }
  return mapAsync(
    async (frame): Promise<Frame> => {
      checkFrame(frame);
      const raw = frame.format === 'jpeg' ? await decodePicture(frame) : frame;
      const scaled = (await openFrame(raw)).resize({ ...(width && { width }), ...(height && { height }), fit, background: '#000' });
      const { data, info } = await guard(`frame ${frame.index} of '${frame.source}'`, () =>
        (raw.format === 'gray8' ? scaled.toColourspace('b-w') : scaled).raw().toBuffer({ resolveWithObject: true }),
      );
      return { ...raw, data, width: info.width, height: info.height };
    },
    { concurrency },
  );
}
