import { EdgeFlowError } from 'edgeflow';
import { checkFrame } from '../frame.js';
import type { Frame } from '../frame.js';
import { guard, openFrame } from '../picture.js';

/** A small gray picture, one value from 0 to 255 a pixel. */
export interface GrayPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Float32Array;
}

/**
 * A frame in gray, scaled down to at most `width` pixels: each pixel is the mean of all that it stands for, so that noise is
 * less and nothing small is missed.
 *
 * @throws EdgeFlowError `FRAME_INVALID`, `IMAGE_INVALID`
 */
export async function grayPicture(frame: Frame, width: number): Promise<GrayPicture> {
  checkFrame(frame);
  const scale = Math.min(1, width / frame.width);
  const size = { width: Math.max(1, Math.round(frame.width * scale)), height: Math.max(1, Math.round(frame.height * scale)) };
  if (frame.format !== 'jpeg') return { ...size, pixels: means(frame, size.width, size.height) };
  const picture = await openFrame(frame);
  const name = `frame ${frame.index} of '${frame.source}'`;
  const found = await guard(name, () => picture.metadata());
  if (found.width !== frame.width || found.height !== frame.height)
    throw new EdgeFlowError(
      'FRAME_INVALID',
      `${name}: the JPEG is ${found.width}x${found.height}; expected the frame's ${frame.width}x${frame.height}`,
    );
  const gray = await guard(name, () =>
    picture
      .resize({ ...size, fit: 'fill' })
      .toColourspace('b-w')
      .raw()
      .toBuffer(),
  );
  return { ...size, pixels: Float32Array.from(gray) };
}

function means({ data, width, height, format }: Frame, columns: number, rows: number): Float32Array {
  const channels = format === 'rgb24' ? 3 : 1;
  const starts = Uint32Array.from({ length: columns + 1 }, (_, column) => Math.ceil((column * width) / columns) * channels);
  const sums = new Float32Array(columns * rows);
  const stride = width * channels;
  let lines = 0;
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height);
    const target = row * columns;
    for (let column = 0; column < columns; column++) {
      const end = y * stride + (starts[column + 1] ?? 0);
      let at = y * stride + (starts[column] ?? 0);
      let sum = 0;
      if (channels === 1) for (; at < end; at++) sum += data[at] ?? 0;
      // BT.601 in 8 bits.
      else for (; at < end; at += 3) sum += ((data[at] ?? 0) * 77 + (data[at + 1] ?? 0) * 150 + (data[at + 2] ?? 0) * 29) / 256;
      sums[target + column] = (sums[target + column] ?? 0) + sum;
    }
    lines++;
    if (Math.floor(((y + 1) * rows) / height) === row) continue;
    for (let column = 0; column < columns; column++)
      sums[target + column] = ((sums[target + column] ?? 0) * channels) / (((starts[column + 1] ?? 0) - (starts[column] ?? 0)) * lines);
    lines = 0;
  }
  return sums;
}
