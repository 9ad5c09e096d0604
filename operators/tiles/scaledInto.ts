import type { Frame } from '../frame.js';
import { guard, openFrame } from '../picture.js';
import { rawFrame } from '../pictures/rawFrame.js';

/**
 * The pixels of a frame, as `rgb24`, scaled to fit a size, with black at the sides or above and below.
 *
 * @throws EdgeFlowError `FRAME_INVALID`, `IMAGE_INVALID`
 */
export async function scaledInto(frame: Frame, size: { readonly width: number; readonly height: number }): Promise<Uint8Array> {
  const raw = await rawFrame(frame);
  if (raw.format === 'rgb24' && raw.width === size.width && raw.height === size.height) return new Uint8Array(raw.data);
  const scaled = (await openFrame(raw)).resize({ ...size, fit: 'contain', background: '#000' });
  return guard(`frame ${frame.index} of '${frame.source}'`, () => scaled.toColourspace('srgb').raw().toBuffer());
}
