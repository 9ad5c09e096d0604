import { toJpeg } from './jpeg.js';
import type { PictureWidth } from './jpeg.js';
import type { RawPicture } from './values.js';

/** Share of one processor that pictures may take of the supervisor's process. */
const share = 0.25;
/** Encodings that the price of a pixel is taken from. */
const remembered = 32;

/**
 * Makes JPEGs, one at a time, and says for how long none should be made afterwards. On a busy host most of the time of an
 * encoding is waiting for a processor: the cheapest of the last ones tells what a pixel costs, and what is rested for.
 */
export class Encoder {
  readonly #prices: number[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #restUntil = 0;

  /** Milliseconds until the next picture may be made. */
  get restMs(): number {
    return Math.max(0, this.#restUntil - performance.now());
  }

  encode(picture: RawPicture, width: PictureWidth): Promise<Uint8Array> {
    const jpeg = this.#last.then(() => this.#encode(picture, width));
    // Whoever asked hears of a failure; the next picture is another one.
    this.#last = jpeg.then(
      () => undefined,
      () => undefined,
    );
    return jpeg;
  }

  async #encode(picture: RawPicture, width: PictureWidth): Promise<Uint8Array> {
    const from = performance.now();
    const jpeg = await toJpeg(picture, width);
    // What was a small JPEG already is passed on, and costs nothing.
    if (jpeg === picture.data) return jpeg;
    const pixels = picture.width * picture.height;
    this.#prices.push((performance.now() - from) / pixels);
    if (this.#prices.length > remembered) this.#prices.shift();
    const costMs = Math.min(...this.#prices) * pixels;
    this.#restUntil = Math.max(this.#restUntil, performance.now()) + costMs * (1 / share - 1);
    return jpeg;
  }
}
