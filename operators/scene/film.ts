import { hash, Random } from './random.js';

const noiseLength = 1 << 16;

/** The largest noise, either way. */
const noiseLimit = 16;

/** The camera's own part in the picture: exposure, colour cast and sensor noise. Different for each seed. */
export class Film {
  readonly #seed: number;
  readonly #width: number;
  readonly #gains: readonly [number, number, number];
  readonly #drift: number;
  readonly #noise: Uint8Array;

  constructor(seed: number, width: number, height: number) {
    const random = new Random(hash(seed, 3));
    const exposure = random.between(0.62, 1.12);
    const warmth = random.between(-0.07, 0.07);
    const amplitude = random.between(1, 7);
    this.#seed = seed;
    this.#width = width;
    this.#gains = [exposure * (1 + warmth), exposure, exposure * (1 - warmth)];
    this.#drift = random.between(0, 0.06);
    this.#noise = new Uint8Array(noiseLength + 3 * Math.max(width, height));
    // The sum of three even draws is near enough to the bell curve of a sensor.
    for (let at = 0; at < this.#noise.length; at++)
      this.#noise[at] = noiseLimit + Math.round(amplitude * (random.next() + random.next() + random.next() - 1.5));
  }

  /** Returns new pixels: the drawn ones as this camera would see them at this moment. */
  develop(drawn: Uint8Array, index: number, seconds: number): Uint8Array {
    const light = 1 + this.#drift * Math.sin(seconds / 5 + this.#seed);
    const [red, green, blue] = this.#gains;
    const curves = { red: curve(red * light), green: curve(green * light), blue: curve(blue * light) };
    const out = new Uint8Array(drawn.length);
    const noise = this.#noise;
    const stride = this.#width * 3;
    for (let row = 0; row < drawn.length; row += stride) {
      const shift = (hash(this.#seed, index, row) & (noiseLength - 1)) - row;
      for (let at = row; at < row + stride; at += 3) {
        out[at] = curves.red[(drawn[at] ?? 0) + (noise[at + shift] ?? 0)] ?? 0;
        out[at + 1] = curves.green[(drawn[at + 1] ?? 0) + (noise[at + shift + 1] ?? 0)] ?? 0;
        out[at + 2] = curves.blue[(drawn[at + 2] ?? 0) + (noise[at + shift + 2] ?? 0)] ?? 0;
      }
    }
    return out;
  }
}

/** What each drawn value with its noise becomes, so that the loop over the pixels has neither arithmetic nor limits. */
function curve(gain: number): Uint8Array {
  return Uint8Array.from({ length: 256 + 2 * noiseLimit }, (_, at) => Math.max(0, Math.min(255, Math.round((at - noiseLimit) * gain))));
}
