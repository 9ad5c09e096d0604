import { mapAsync } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkCount } from './checks.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { guard, openFrame } from './picture.js';

/** Options of {@link encodeJpeg}. */
export interface EncodeJpegOptions {
  /** From 1 (small) to 100 (faithful). @defaultValue 80 */
  readonly quality?: number;
  /** Frames encoded at once. @defaultValue 1 */
  readonly concurrency?: number;
}

/**
 * Encodes raw frames as JPEG. Frames that are JPEG already pass as they are.
 *
 * ```
 * in   --rgb24---rgb24---|
 *      encodeJpeg({ quality: 80 })
 * out  ------jpeg----jpeg|
 * ```
 *
 * - **Emits** one `jpeg` frame for each frame, in order.
 * - **Settles** a delivery when its frame has been dealt with downstream.
 * - **Fails** the delivery with `FRAME_INVALID` when a frame does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a quality out of its range or a concurrency below 1.
 * @example
 * ```ts
 * camera({ source: '/dev/video0' }).pipe(encodeJpeg({ quality: 70 }), toBroker(pictures))
 * ```
 */
export function encodeJpeg(options: EncodeJpegOptions = {}): OperatorFunction<Frame, Frame> {
  const { quality = 80, concurrency = 1 } = options;
  checkCount('encodeJpeg', 'quality', quality, 100);
  return mapAsync(
    async (frame): Promise<Frame> => {
      checkFrame(frame);
      if (frame.format === 'jpeg') return frame;
      const picture = (await openFrame(frame)).toColourspace(frame.format === 'gray8' ? 'b-w' : 'srgb');
      const data = await guard(`frame ${frame.index} of '${frame.source}'`, () => picture.jpeg({ quality }).toBuffer());
      return { ...frame, data, format: 'jpeg' };
    },
    { concurrency },
  );
}
