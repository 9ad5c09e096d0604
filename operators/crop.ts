import { EdgeFlowError, mapAsync } from 'edgeflow';
import { concatMap, pipe } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { checkFunction, checkRange } from './checks.js';
import type { Box } from './detections.js';
import type { Frame } from './frame.js';
import { asBox, checkBoxes, describeBox, pixelsOf } from './pictures/boxes.js';
import type { PixelArea } from './pictures/boxes.js';
import { channelsOf, rawFrame } from './pictures/rawFrame.js';
import type { RawFrame } from './pictures/rawFrame.js';

/** Options of {@link crop} for one part, the same of each frame. */
export interface CropOptions {
  /** The part, in pixels; what is outside of a picture is cut off. */
  readonly box: Box;
}

/** Options of {@link crop} for parts that each value names. */
export interface CropEachOptions<T> {
  /** The picture of a value. */
  readonly frame: (value: T) => Frame;
  /** The parts, in pixels of the picture. */
  readonly boxes: (value: T) => readonly Box[];
  /** How much more is taken on each side, as a share of the box. @defaultValue 0 */
  readonly margin?: number;
}

/**
 * Cuts parts out of frames: one fixed part of each, or one for each box that a value names.
 *
 * ```
 * in   --frame-----frame---|            in   --{frame, [a, b]}---{frame, []}--|
 *      crop({ box })                         crop({ frame, boxes })
 * out  --part------part----|            out  --(a b)--------------------------|
 * ```
 *
 * - **Emits** frames of the size of their part, with `time`, `index` and `source` of the whole: raw frames in their format,
 *   `jpeg` frames as `rgb24`. Boxes that lie outside of the picture, or have no area, give none.
 * - **Settles** a delivery when its frames have been dealt with downstream; at once where there are none.
 * - **Fails** the delivery with `BOX_INVALID` for a box that is none (NaN, infinite, upside down), and where the fixed part
 *   lies outside of the picture; with `FRAME_INVALID` or `IMAGE_INVALID` when the frame does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a fixed part that is none or has no area, and for a margin below 0.
 * @example
 * ```ts
 * camera({ source: 'yard.mp4' }).pipe(crop({ box: [0, 200, 640, 480] }), detectYolo())
 * ```
 */
export function crop(options: CropOptions): OperatorFunction<Frame, Frame>;
export function crop<T>(options: CropEachOptions<T>): OperatorFunction<T, Frame>;
export function crop<T>(options: CropOptions | CropEachOptions<T>): OperatorFunction<Frame, Frame> | OperatorFunction<T, Frame> {
  if ('box' in options) return cropFixed(options.box);
  const { frame: frameOf, boxes: boxesOf, margin = 0 } = options;
  checkFunction('crop', 'frame', frameOf);
  checkFunction('crop', 'boxes', boxesOf);
  checkRange('crop', 'margin', margin, 0, 10);
  return pipe(
    mapAsync(async (value: T) => {
      const boxes = checkBoxes(boxesOf(value), 'crop');
      const frame = await rawFrame(frameOf(value));
      return boxes.flatMap((box) => pixelsOf(box, frame.width, frame.height, margin) ?? []).map((area) => cut(frame, area));
    }),
    concatMap((parts) => parts),
  );
}

function cropFixed(box: Box): OperatorFunction<Frame, Frame> {
  const checked = asBox(box);
  if (!checked || !pixelsOf(checked, Infinity, Infinity))
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `crop: box is ${describeBox(box)}; expected [left, top, right, bottom] in pixels, with an area`,
    );
  return mapAsync(async (value) => {
    const frame = await rawFrame(value);
    const area = pixelsOf(checked, frame.width, frame.height);
    if (!area)
      throw new EdgeFlowError(
        'BOX_INVALID',
        `crop: the box ${describeBox(box)} lies outside of frame ${frame.index} of '${frame.source}', which is ${frame.width}x${frame.height}`,
      );
    return cut(frame, area);
  });
}

/** A part of a frame, with bytes of its own. */
function cut(frame: RawFrame, { left, top, right, bottom }: PixelArea): Frame {
  const channels = channelsOf(frame);
  const width = right - left;
  const data = new Uint8Array(width * (bottom - top) * channels);
  for (let y = top; y < bottom; y++) {
    const from = (y * frame.width + left) * channels;
    data.set(frame.data.subarray(from, from + width * channels), (y - top) * width * channels);
  }
  return { ...frame, data, width, height: bottom - top };
}
