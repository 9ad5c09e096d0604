import { mapAsync } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { decodeBytes, decodePicture } from './picture.js';

/** Options of {@link decodeImage}. */
export interface DecodeImageOptions {
  /** Pictures decoded at once. @defaultValue 1 */
  readonly concurrency?: number;
  /** Name of the source, for pictures that come as bytes. @defaultValue 'image' */
  readonly source?: string;
}

/**
 * Decodes pictures to `rgb24` frames: the bytes of a file (JPEG, PNG, WebP, GIF, TIFF, AVIF), or a `jpeg` frame. Raw
 * frames pass as they are.
 *
 * ```
 * in   --jpeg----png-----|
 *      decodeImage()
 * out  -----rgb24---rgb24|
 * ```
 *
 * Transparency becomes black; bytes are turned upright as their EXIF orientation says, and get the time at which they
 * came and a running index.
 *
 * - **Emits** one frame for each picture, in order.
 * - **Settles** a delivery when its frame has been dealt with downstream.
 * - **Fails** the delivery with `IMAGE_INVALID` when the bytes are no picture, are cut off, or have more than 100
 *   megapixels; with `FRAME_INVALID` when a frame does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a concurrency below 1.
 * @example
 * ```ts
 * from(files).pipe(mapAsync((path) => readFile(path)), decodeImage(), detectYolo())
 * ```
 */
export function decodeImage(options: DecodeImageOptions = {}): OperatorFunction<Uint8Array | Frame, Frame> {
  const { source = 'image', concurrency = 1 } = options;
  return mapAsync(
    async (picture, { index }) => {
      const time = Date.now();
      if (picture instanceof Uint8Array) return { ...(await decodeBytes(picture)), format: 'rgb24', time, index, source };
      checkFrame(picture);
      if (picture.format === 'jpeg') return decodePicture(picture);
      return picture;
    },
    { concurrency },
  );
}
