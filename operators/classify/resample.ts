import type { RawPicture } from '../inference/protocol.js';
import type { PixelArea } from '../pictures/boxes.js';
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
function triangleKernel([start, length]: readonly [number, number], [least, most]: readonly [number, number], target: number): Kernel {
  const scale = length / target;
  const reach = Math.max(1, scale);
  const first = new Int32Array(target);
  const weights = Array.from({ length: target }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const from = Math.max(least, Math.floor(centre - reach + 0.5));
    const to = Math.max(from + 1, Math.min(most, Math.floor(centre + reach + 0.5)));
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

/**
 * Writes a picture, or an area of it, into planes (`NCHW`), scaled and normalised. Nothing outside of the area is looked at:
 * it is a picture of its own.
 */
export function fillPlanes(tensor: Float32Array, picture: RawPicture, input: Size, settings: PictureSettings, area?: PixelArea): void {
  const { left, top, right, bottom } = area ?? { left: 0, top: 0, right: picture.width, bottom: picture.height };
  const part = partOf({ width: right - left, height: bottom - top }, input, settings.cropShare);
  const columns = triangleKernel([left + part.x, part.width], [left, right], input.width);
  const rows = triangleKernel([top + part.y, part.height], [top, bottom], input.height);
  const plane = input.width * input.height;
  for (let channel = 0; channel < 3; channel++) {
    const narrow = narrowRows(picture, channel, columns, rows);
    const mean = settings.mean[channel] ?? 0;
    const std = settings.std[channel] ?? 1;
    const target = plane * (settings.channelOrder === 'rgb' ? channel : 2 - channel);
    for (let y = 0; y < input.height; y++) {
      const weights = rows.weights[y] ?? new Float32Array();
      const from = ((rows.first[y] ?? 0) - (rows.first[0] ?? 0)) * input.width;
      for (let x = 0; x < input.width; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += (narrow[from + k * input.width + x] ?? 0) * (weights[k] ?? 0);
        tensor[target + y * input.width + x] = (sum / 255 - mean) / std;
      }
    }
  }
}

/** The rows of one channel that are looked at, as wide as the input. */
function narrowRows({ pixels, width, channels }: RawPicture, channel: number, columns: Kernel, rows: Kernel): Float32Array {
  const target = columns.weights.length;
  const offset = channels === 1 ? 0 : channel;
  const first = rows.first[0] ?? 0;
  const height = (rows.first.at(-1) ?? 0) + (rows.weights.at(-1)?.length ?? 0) - first;
  const narrow = new Float32Array(height * target);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < target; x++) {
      const weights = columns.weights[x] ?? new Float32Array();
      let from = ((first + y) * width + (columns.first[x] ?? 0)) * channels + offset;
      let sum = 0;
      for (let k = 0; k < weights.length; k++, from += channels) sum += (pixels[from] ?? 0) * (weights[k] ?? 0);
      narrow[y * target + x] = sum;
    }
  }
  return narrow;
}
