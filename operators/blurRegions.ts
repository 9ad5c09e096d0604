import { EdgeFlowError, mapAsync } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkFunction, checkRange } from './checks.js';
import type { Box } from './detections.js';
import type { Frame } from './frame.js';
import { checkBoxes, pixelsOf } from './pictures/boxes.js';
import { cover } from './pictures/cover.js';
import type { CoverStyle } from './pictures/cover.js';
import { rawFrame } from './pictures/rawFrame.js';

/** Options of {@link blurRegions}. */
export interface BlurRegionsOptions<T> {
  /** The picture of a value. */
  readonly frame: (value: T) => Frame;
  /** What to cover, in pixels of the picture; what is outside of it is cut off. */
  readonly boxes: (value: T) => readonly Box[];
  /**
   * `mosaic` leaves squares of one colour, `smooth` blends these squares into each other, and neither leaves more than the
   * squares' mean colours; `fill` leaves black.
   *
   * @defaultValue 'mosaic'
   */
  readonly style?: CoverStyle;
  /** Squares along the longer side of a box, from 1 to 16; none is smaller than 8 pixels. @defaultValue 6 */
  readonly cells?: number;
  /** How much more is covered on each side, as a share of the box. @defaultValue 0.1 */
  readonly margin?: number;
}

/**
 * Makes regions of frames unrecognisable: faces, people, number plates, screens.
 *
 * ```
 * in   --{frame, boxes}---{frame, boxes}--|
 *      blurRegions({ frame, boxes })
 * out  --covered frame----covered frame---|
 * ```
 *
 * A blur by a filter can be undone as far as its rounding allows. What is left here is the mean colour of a few squares, and
 * everything with the same means looks the same. What many frames of one video tell together is more than what one tells:
 * where that matters, `fill`.
 *
 * - **Emits** one frame for each value, with bytes of its own: raw frames in their format, `jpeg` frames as `rgb24`.
 * - **Settles** a delivery when its frame has been dealt with downstream.
 * - **Fails** the delivery, so that nothing comes out uncovered, with `BOX_INVALID` for a box that is none (NaN, infinite,
 *   upside down), with `FRAME_INVALID` or `IMAGE_INVALID` when the frame does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(detectMotion(), blurRegions({ frame: ({ frame }) => frame, boxes: ({ boxes }) => boxes }), storeBlob({ directory: 'shown' }))
 * ```
 */
export function blurRegions<T>(options: BlurRegionsOptions<T>): OperatorFunction<T, Frame> {
  const { frame: frameOf, boxes: boxesOf, style = 'mosaic', cells = 6, margin = 0.1 } = options;
  checkFunction('blurRegions', 'frame', frameOf);
  checkFunction('blurRegions', 'boxes', boxesOf);
  if (!['mosaic', 'smooth', 'fill'].includes(style))
    throw new EdgeFlowError('OPTIONS_INVALID', `blurRegions: style is '${style}'; expected 'mosaic', 'smooth' or 'fill'`);
  if (!(Number.isInteger(cells) && cells >= 1 && cells <= 16))
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `blurRegions: cells is ${cells}; expected a whole number from 1 to 16: more would leave too much`,
    );
  checkRange('blurRegions', 'margin', margin, 0, 10);
  return mapAsync(async (value): Promise<Frame> => {
    const boxes = checkBoxes(boxesOf(value), 'blurRegions');
    const frame = await rawFrame(frameOf(value));
    // The bytes that came may be looked at by others too.
    const data = new Uint8Array(frame.data);
    for (const box of boxes) {
      const area = pixelsOf(box, frame.width, frame.height, margin);
      if (area) cover(data, frame, area, style, cells);
    }
    return { ...frame, data };
  });
}
