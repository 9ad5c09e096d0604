import { EdgeFlowError } from 'edgeflow';

/** How the bytes of a frame are laid out. `rgb24` and `gray8` are raw and row-major without padding; `jpeg` is a file. */
export type PixelFormat = 'rgb24' | 'gray8' | 'jpeg';

/** One picture of a video. */
export interface Frame {
  /** Pixel bytes: `width * height * 3` for `rgb24`, `width * height` for `gray8`, a whole file for `jpeg`. */
  readonly data: Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  readonly format: PixelFormat;
  /** When the picture was taken, in milliseconds since the epoch. */
  readonly time: number;
  /** Number of the frame in its source, from 0. */
  readonly index: number;
  /** Name of the source. */
  readonly source: string;
}

/** Bytes of one pixel of each raw format. */
const bytesPerPixel = { rgb24: 3, gray8: 1 } as const;

/** The longest side that is taken, in pixels. Larger pictures are an error, not a crash for want of memory. */
export const maxFrameSide = 16_384;

/**
 * Checks that a frame holds what it says.
 *
 * @throws EdgeFlowError `FRAME_INVALID` when there is no frame at all, sizes are not positive whole numbers, the format is
 * unknown, or the number of bytes is not that of the size and format.
 * @example
 * ```ts
 * frames.pipe(tap(checkFrame), map(({ data }) => data.length))
 * ```
 */
export function checkFrame(frame: Frame): void {
  checkObject(frame);
  const { width, height, format, data } = frame;
  const fail = (what: string): never => {
    throw new EdgeFlowError('FRAME_INVALID', `frame ${frame.index} of '${frame.source}': ${what}`);
  };
  for (const [name, side] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (!Number.isInteger(side) || side < 1 || side > maxFrameSide)
      fail(`${name} is ${side}; expected a whole number from 1 to ${maxFrameSide}`);
  }
  if (!(data instanceof Uint8Array)) fail('data is not a Uint8Array');
  if (format === 'jpeg') {
    if (data.length < 4 || data[0] !== 0xff || data[1] !== 0xd8) fail('format is jpeg, but the bytes are not a JPEG file');
    return;
  }
  if (!Object.hasOwn(bytesPerPixel, format)) fail(`format is '${format}'; expected rgb24, gray8 or jpeg`);
  const expected = width * height * bytesPerPixel[format];
  if (data.length !== expected)
    fail(
      `${data.length} bytes; expected ${expected} for ${width}x${height} ${format}: the frame is ${data.length < expected ? 'truncated' : 'too long'}`,
    );
}

/** Types do not help where a stream was typed by hand, or comes from another process. */
function checkObject(found: unknown): void {
  if (typeof found === 'object' && found !== null) return;
  const what = found === null || found === undefined ? String(found) : `a ${typeof found}`;
  throw new EdgeFlowError('FRAME_INVALID', `${what} in place of a frame: filter out what is none, or map it to one, before`);
}
