import type { RawPicture } from '../inference/protocol.js';
import type { Size } from '../yolo/letterboxGeometry.js';
import type { PictureSettings } from './classifierKind.js';

/** The part of a picture that is looked at, in its pixels. */
interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One axis of sampling: for each target pixel its first source pixel, and the weights of that and the following. */
interface Kernel {
  readonly first: Int32Array;
  readonly weights: readonly Float32Array[];
}

/**
 * Triangle filter whose width grows with the reduction, so that no source pixel is left out: bilinear resampling as Pillow
 * does it, which most classifiers are trained with.
 *
 * @see https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters
 */
function triangleKernel(start: number, length: number, limit: number, target: number): Kernel {
  const scale = length / target;
  const reach = Math.max(1, scale);
  const first = new Int32Array(target);
  const weights = Array.from({ length: target }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const from = Math.max(0, Math.floor(centre - reach + 0.5));
    const to = Math.max(from + 1, Math.min(limit, Math.floor(centre + reach + 0.5)));
    const raw = Float32Array.from({ length: to - from }, (__, k) => Math.max(0, 1 - Math.abs((from + k + 0.5 - centre) / reach)));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    first[i] = from;
    return sum > 0 ? raw.map((weight) => weight / sum) : raw.fill(1 / raw.length);
  });
  return { first, weights };
}

/** The part of the input's proportions in the middle of a picture, `cropShare` of the largest such part; undefined for all of it. */
export function partOf({ width, height }: Size, input: Size, cropShare: number | undefined): Part {
  if (cropShare === undefined) return { x: 0, y: 0, width, height };
  const scale = Math.min(width / input.width, height / input.height) * cropShare;
  const part = { width: input.width * scale, height: input.height * scale };
  return { x: (width - part.width) / 2, y: (height - part.height) / 2, ...part };
}

/** Writes a picture into planes (`NCHW`), scaled and normalised. */
export function fillPlanes(tensor: Float32Array, picture: RawPicture, input: Size, settings: PictureSettings): void {
  const { pixels, width, height, channels } = picture;
  const part = partOf(picture, input, settings.cropShare);
  const columns = triangleKernel(part.x, part.width, width, input.width);
  const rows = triangleKernel(part.y, part.height, height, input.height);
  const plane = input.width * input.height;
  for (let channel = 0; channel < 3; channel++) {
    const narrow = narrowRows(pixels, width, height, channels, channels === 1 ? 0 : channel, columns);
    const mean = settings.mean[channel] ?? 0;
    const std = settings.std[channel] ?? 1;
    const target = plane * (settings.channelOrder === 'rgb' ? channel : 2 - channel);
    for (let y = 0; y < input.height; y++) {
      const weights = rows.weights[y] ?? new Float32Array();
      const top = (rows.first[y] ?? 0) * input.width;
      for (let x = 0; x < input.width; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += (narrow[top + k * input.width + x] ?? 0) * (weights[k] ?? 0);
        tensor[target + y * input.width + x] = (sum / 255 - mean) / std;
      }
    }
  }
}

/** All rows of one channel, as wide as the input. */
function narrowRows(pixels: Uint8Array, width: number, height: number, step: number, channel: number, columns: Kernel): Float32Array {
  const target = columns.weights.length;
  const narrow = new Float32Array(height * target);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < target; x++) {
      const weights = columns.weights[x] ?? new Float32Array();
      let from = (y * width + (columns.first[x] ?? 0)) * step + channel;
      let sum = 0;
      for (let k = 0; k < weights.length; k++, from += step) sum += (pixels[from] ?? 0) * (weights[k] ?? 0);
      narrow[y * target + x] = sum;
    }
  }
  return narrow;
}
