import type { Frame } from '../frame.js';
import { decodePicture } from '../picture.js';
import type { RawPicture } from './protocol.js';

/**
 * The pixels of a checked frame, decoded where it is a JPEG.
 *
 * @throws EdgeFlowError `IMAGE_INVALID`, `FRAME_INVALID`
 */
export async function rawPicture(frame: Frame): Promise<RawPicture> {
  const { width, height, data, format } = frame.format === 'jpeg' ? await decodePicture(frame) : frame;
  return { width, height, channels: format === 'gray8' ? 1 : 3, pixels: data };
}
