import sharp from 'sharp';
import type { Frame } from '../frame.js';
import { checkFrame } from '../frame.js';

/** The frame as a JPEG file; a frame that is one stays as it is. */
export async function toJpeg(frame: Frame, quality: number): Promise<Frame> {
  checkFrame(frame);
  if (frame.format === 'jpeg') return frame;
  const { data, width, height, format } = frame;
  const encoded = await sharp(data, { raw: { width, height, channels: format === 'gray8' ? 1 : 3 } })
    .jpeg({ quality })
    .toBuffer();
  return { ...frame, data: encoded, format: 'jpeg' };
}
