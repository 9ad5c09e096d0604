import { letterboxGeometry } from './letterboxGeometry.js';
import type { InputStyle, LetterboxGeometry, Size } from './letterboxGeometry.js';

/** Brightness of the bars, the mean that YOLO models are trained with. */
const padding = 114;

/** One axis of bilinear sampling: for each target pixel the two source pixels and the weight of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float32Array;
}

function bilinearTaps(sourceLength: number, targetLength: number, step: number): Taps {
  const first = new Int32Array(targetLength);
  const second = new Int32Array(targetLength);
  const weight = new Float32Array(targetLength);
  for (let i = 0; i < targetLength; i++) {
    const position = Math.max(0, ((i + 0.5) * sourceLength) / targetLength - 0.5);
    const left = Math.min(sourceLength - 1, Math.floor(position));
    first[i] = left * step;
    second[i] = Math.min(sourceLength - 1, left + 1) * step;
    weight[i] = position - left;
  }
  return { first, second, weight };
}

/**
 * Scales pictures straight into the NCHW tensor of a model: one loop samples bilinearly, reorders the channels and
 * converts to float. The tensor is reused; the bars and the sampling tables are made anew only when the size changes.
 *
 * Bilinear sampling does not antialias: pictures over about twice the input's size are better scaled by ffmpeg before.
 */
export class Letterbox {
  readonly input: Size;
  /** `[1, 3, height, width]`, overwritten by each {@link fill}. */
  readonly tensor: Float32Array<ArrayBuffer>;
  readonly #style: InputStyle;
  #geometry: LetterboxGeometry | undefined;
  #channels = 0;
  #columns: Taps = bilinearTaps(1, 1, 1);
  #rows: Taps = bilinearTaps(1, 1, 1);

  /** @param tensor - where to write: a part of a batch, say. */
  constructor(input: Size, style: InputStyle, tensor = new Float32Array(3 * input.width * input.height)) {
    this.input = input;
    this.#style = style;
    this.tensor = tensor;
  }

  /** Writes a picture into the tensor and tells where it lies there. `channels` is 3 for rgb24 and 1 for gray8. */
  fill(pixels: Uint8Array, source: Size, channels: 1 | 3): LetterboxGeometry {
    const geometry = this.#prepare(source, channels);
    if (channels === 1) this.#sampleGray(pixels, geometry);
    else if (geometry.scaleX === 1 && geometry.scaleY === 1) this.#copyRgb(pixels, geometry);
    else this.#sampleRgb(pixels, geometry);
    return geometry;
  }

  #prepare(source: Size, channels: 1 | 3): LetterboxGeometry {
    const before = this.#geometry;
    if (before?.source.width === source.width && before.source.height === source.height && this.#channels === channels) return before;
    const geometry = letterboxGeometry(source, this.input, this.#style);
    this.#columns = bilinearTaps(source.width, geometry.scaled.width, channels);
    this.#rows = bilinearTaps(source.height, geometry.scaled.height, source.width * channels);
    this.#channels = channels;
    this.#geometry = geometry;
    this.tensor.fill(padding * this.#gain);
    return geometry;
  }

  get #gain(): number {
    return this.#style === 'yolox' ? 1 : 1 / 255;
  }

  /** The order of the planes: where red and blue begin. */
  get #planes(): { readonly green: number; readonly red: number; readonly blue: number } {
    const green = this.input.width * this.input.height;
    return this.#style === 'yolox' ? { green, red: 2 * green, blue: 0 } : { green, red: 0, blue: 2 * green };
  }

  /** A camera that was asked for the model's own size is worth it: a third of the time. */
  #copyRgb(pixels: Uint8Array, { scaled, offsetX, offsetY }: LetterboxGeometry): void {
    const { tensor, input } = this;
    const { green, red, blue } = this.#planes;
    const gain = this.#gain;
    for (let y = 0, from = 0; y < scaled.height; y++) {
      let target = (y + offsetY) * input.width + offsetX;
      for (let x = 0; x < scaled.width; x++, target++, from += 3) {
        tensor[red + target] = at(pixels, from) * gain;
        tensor[green + target] = at(pixels, from + 1) * gain;
        tensor[blue + target] = at(pixels, from + 2) * gain;
      }
    }
  }

  #sampleRgb(pixels: Uint8Array, { scaled, offsetX, offsetY }: LetterboxGeometry): void {
    const { tensor, input } = this;
    const { first, second, weight } = this.#columns;
    const rows = this.#rows;
    const gain = this.#gain;
    const { green, red, blue } = this.#planes;
    for (let y = 0; y < scaled.height; y++) {
      const above = rows.first[y] ?? 0;
      const below = rows.second[y] ?? 0;
      const lower = (rows.weight[y] ?? 0) * gain;
      const upper = gain - lower;
      let target = (y + offsetY) * input.width + offsetX;
      for (let x = 0; x < scaled.width; x++, target++) {
        const left = first[x] ?? 0;
        const right = second[x] ?? 0;
        const wx = weight[x] ?? 0;
        const a = above + left;
        const b = above + right;
        const c = below + left;
        const d = below + right;
        // Four corner weights once a pixel, then four products a channel.
        const wb = wx * upper;
        const wa = upper - wb;
        const wd = wx * lower;
        const wc = lower - wd;
        tensor[red + target] = at(pixels, a) * wa + at(pixels, b) * wb + at(pixels, c) * wc + at(pixels, d) * wd;
        tensor[green + target] = at(pixels, a + 1) * wa + at(pixels, b + 1) * wb + at(pixels, c + 1) * wc + at(pixels, d + 1) * wd;
        tensor[blue + target] = at(pixels, a + 2) * wa + at(pixels, b + 2) * wb + at(pixels, c + 2) * wc + at(pixels, d + 2) * wd;
      }
    }
  }

  #sampleGray(pixels: Uint8Array, { scaled, offsetX, offsetY }: LetterboxGeometry): void {
    const { tensor, input } = this;
    const { first, second, weight } = this.#columns;
    const rows = this.#rows;
    const gain = this.#gain;
    const plane = input.width * input.height;
    for (let y = 0; y < scaled.height; y++) {
      const above = rows.first[y] ?? 0;
      const below = rows.second[y] ?? 0;
      const lower = rows.weight[y] ?? 0;
      let target = (y + offsetY) * input.width + offsetX;
      for (let x = 0; x < scaled.width; x++, target++) {
        const left = first[x] ?? 0;
        const right = second[x] ?? 0;
        const wx = weight[x] ?? 0;
        const top = at(pixels, above + left) * (1 - wx) + at(pixels, above + right) * wx;
        const bottom = at(pixels, below + left) * (1 - wx) + at(pixels, below + right) * wx;
        const value = (top * (1 - lower) + bottom * lower) * gain;
        tensor[target] = value;
        tensor[plane + target] = value;
        tensor[2 * plane + target] = value;
      }
    }
  }
}

/** Indices come from the tables and are in range: here as above, `?? 0` is for the type checker and costs nothing. */
function at(pixels: Uint8Array, index: number): number {
  return pixels[index] ?? 0;
}
