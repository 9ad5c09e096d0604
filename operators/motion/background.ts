import type { GrayPicture } from './grayPicture.js';

/** When more than this share of the picture differs, it is another scene, or another light: the background starts anew. */
const anotherScene = 0.7;

/** What a picture looks like when nothing moves. */
export class Background {
  readonly #rate: number;
  readonly #absorbFrames: number;
  #pixels = new Float32Array();
  /** For how many pictures each pixel has been changed without a break. */
  #ages = new Uint32Array();

  /**
   * @param rate - how much of what has not changed goes into the background with each picture, from 0 to 1.
   * @param absorbFrames - after how many pictures what has changed is background as it is now; 1 is to compare with the
   * previous picture.
   */
  constructor(rate: number, absorbFrames: number) {
    this.#rate = rate;
    this.#absorbFrames = absorbFrames;
  }

  /**
   * Compares a picture with the background, then takes it in.
   *
   * @param threshold - least difference, of 255, of a pixel that counts as changed.
   * @returns 1 for each pixel that has changed; none has in the first picture.
   */
  compare({ pixels }: GrayPicture, threshold: number): Uint8Array {
    const mask = new Uint8Array(pixels.length);
    if (this.#pixels.length !== pixels.length) {
      this.#begin(pixels);
      return mask;
    }
    const background = this.#pixels;
    const light = medianDifference(pixels, background);
    let changed = 0;
    for (let at = 0; at < mask.length; at++) {
      if (Math.abs((pixels[at] ?? 0) - (background[at] ?? 0) - light) < threshold) continue;
      mask[at] = 1;
      changed++;
    }
    if (changed > anotherScene * mask.length) this.#begin(pixels);
    else this.#learn(pixels, mask);
    return mask;
  }

  #begin(pixels: Float32Array): void {
    this.#pixels = pixels.slice();
    this.#ages = new Uint32Array(pixels.length);
  }

  /** What has changed is left out: an average that takes it in shows a ghost when it has gone. */
  #learn(pixels: Float32Array, mask: Uint8Array): void {
    const background = this.#pixels;
    const ages = this.#ages;
    for (let at = 0; at < mask.length; at++) {
      const age = mask[at] === 1 ? (ages[at] ?? 0) + 1 : 0;
      const rate = age === 0 ? this.#rate : Number(age >= this.#absorbFrames);
      ages[at] = rate === 1 ? 0 : age;
      background[at] = (background[at] ?? 0) + rate * ((pixels[at] ?? 0) - (background[at] ?? 0));
    }
  }
}

/** How much brighter the picture has become as a whole: a cloud or an automatic exposure is no motion. */
function medianDifference(pixels: Float32Array, background: Float32Array): number {
  const counts = new Uint32Array(511);
  for (let at = 0; at < pixels.length; at++) {
    const bin = Math.round((pixels[at] ?? 0) - (background[at] ?? 0)) + 255;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  let passed = 0;
  let bin = 0;
  while (bin < counts.length && (passed += counts[bin] ?? 0) * 2 < pixels.length) bin++;
  return bin - 255;
}
