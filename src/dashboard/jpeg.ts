import { EdgeFlowError } from '../errors.js';
import type { RawPicture } from './values.js';

/** Widths that a browser may ask for; few, so that browsers share what was encoded. */
export const pictureWidths = [320, 640, 1_280] as const;
export type PictureWidth = (typeof pictureWidths)[number];

const quality = 72;
/** A JPEG of a node that is smaller than this is passed on as it is. */
const smallBytes = 100_000;
const maxPixels = 64 * 1024 * 1024;

/** A picture as a JPEG of at most `width`. sharp is loaded when the first picture is looked at. */
export async function toJpeg({ data, width, height, format }: RawPicture, maxWidth: PictureWidth): Promise<Uint8Array> {
  if (format === 'jpeg' && data.length < smallBytes && width <= maxWidth * 2) return data;
  const { default: sharp } = await import('sharp').catch((cause: unknown) => {
    throw new EdgeFlowError('DEPENDENCY_MISSING', "pictures of the dashboard need the package 'sharp'; run: npm install sharp", { cause });
  });
  const input =
    format === 'jpeg'
      ? sharp(data, { limitInputPixels: maxPixels })
      : sharp(data, { raw: { width, height, channels: format === 'rgb24' ? 3 : 1 } });
  return input.resize({ width: maxWidth, withoutEnlargement: true, kernel: 'linear' }).jpeg({ quality }).toBuffer();
}
