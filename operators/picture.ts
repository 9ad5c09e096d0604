import { EdgeFlowError } from 'edgeflow';
import type { default as SharpFactory, Sharp } from 'sharp';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';

/** Larger pictures are refused before they are decoded: 100 megapixels take 300 MB. */
const maxPixels = 100_000_000;

/** Formats that are pictures and nothing else; SVG or PDF would be programs to run. */
const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];

let loaded: Promise<typeof SharpFactory> | undefined;

/** Loads sharp when the first picture comes: nodes that touch none do without its 27 MB. */
function loadSharp(): Promise<typeof SharpFactory> {
  return (loaded ??= import('sharp').then((module) => module.default));
}

/**
 * A checked frame as sharp takes it.
 *
 * @throws EdgeFlowError `FRAME_INVALID`
 */
export async function openFrame(frame: Frame): Promise<Sharp> {
  checkFrame(frame);
  const { data, width, height, format } = frame;
  if (format === 'jpeg') return openFile(data);
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: format === 'rgb24' ? 3 : 1 }, limitInputPixels: false });
}

/** A picture file's bytes. Warnings are let pass: cheap webcams write JPEGs with surplus bytes. */
async function openFile(bytes: Uint8Array): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' });
}

/**
 * Decodes a JPEG frame to rgb24.
 *
 * @throws EdgeFlowError `IMAGE_INVALID` when the bytes are broken, `FRAME_INVALID` when the picture has another size
 * than the frame says: boxes in its pixels would be wrong.
 */
export async function decodePicture(frame: Frame): Promise<Frame> {
  const name = `frame ${frame.index} of '${frame.source}'`;
  const { data, width, height } = await toRgb(await openFrame(frame), name);
  if (width !== frame.width || height !== frame.height)
    throw new EdgeFlowError(
      'FRAME_INVALID',
      `${name}: the JPEG is ${width}x${height}; expected the frame's ${frame.width}x${frame.height}`,
    );
  return { ...frame, data, format: 'rgb24' };
}

/**
 * Decodes the bytes of a picture file, turned upright as its EXIF orientation says.
 *
 * @throws EdgeFlowError `IMAGE_INVALID`
 */
export async function decodeBytes(bytes: Uint8Array): Promise<Pick<Frame, 'data' | 'width' | 'height'>> {
  const name = `a picture of ${bytes.length} bytes`;
  if (bytes.length === 0) throw imageInvalid(name, 'it is empty');
  const picture = await openFile(bytes);
  const { format } = await guard(name, () => picture.metadata());
  if (!formats.includes(format)) throw imageInvalid(name, `it is ${format}; expected one of ${formats.join(', ')}`);
  return toRgb(picture.autoOrient(), name);
}

async function toRgb(picture: Sharp, name: string): Promise<Pick<Frame, 'data' | 'width' | 'height'>> {
  const { data, info } = await guard(name, () =>
    picture.flatten().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  if (info.channels === 3) return { data, width: info.width, height: info.height };
  throw imageInvalid(name, `it decodes to ${info.channels} channels; expected 3`);
}

/** Gives sharp's errors the name of the picture. */
export async function guard<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // libvips says the same again for each of its layers.
    const reasons = new Set((error instanceof Error ? error.message : String(error)).split('\n'));
    throw imageInvalid(name, [...reasons].join('; '), error);
  }
}

function imageInvalid(name: string, why: string, cause?: unknown): EdgeFlowError {
  return new EdgeFlowError(
    'IMAGE_INVALID',
    `${name} is no picture that can be read: ${why}; expected a whole picture file of at most ${maxPixels / 1e6} megapixels`,
    { cause },
  );
}
