import { checkFrame } from '../frame.js';
import type { Frame } from '../frame.js';
import { decodePicture } from '../picture.js';

/** A frame whose bytes are pixels. */
export interface RawFrame extends Frame {
  readonly format: 'rgb24' | 'gray8';
}

/** Bytes of a pixel. */
export function channelsOf({ format }: RawFrame): 1 | 3 {
  return format === 'rgb24' ? 3 : 1;
}

/**
 * The frame with its pixels: a JPEG is decoded to `rgb24`, raw frames are checked and returned as they are.
 *
 * @throws EdgeFlowError `FRAME_INVALID`, `IMAGE_INVALID`
 */
export async function rawFrame(frame: Frame): Promise<RawFrame> {
  checkFrame(frame);
  if (frame.format === 'jpeg') return { ...(await decodePicture(frame)), format: 'rgb24' };
  return { ...frame, format: frame.format };
}
