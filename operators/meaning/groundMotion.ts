import type { Point } from './point.js';

interface Sample {
  readonly time: number;
  readonly at: Point;
}

/** Most positions kept of an object: of a very fast source, the oldest go early. */
const mostSamples = 256;

/** How the objects of one source move over the ground. */
export class GroundMotion {
  readonly #windowMs: number;
  readonly #samples = new Map<number, Sample[]>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes in where an object is. A frame that comes late changes nothing. */
  see(id: number, at: Point, time: number): void {
    const samples = this.#samples.get(id) ?? [];
    if (time <= (samples.at(-1)?.time ?? -Infinity)) return;
    samples.push({ time, at });
    this.#samples.set(id, samples.filter((sample) => time - sample.time <= this.#windowMs).slice(-mostSamples));
  }

  /** Forgets objects that have not been seen for longer than the window. */
  forget(time: number): void {
    for (const [id, samples] of this.#samples) {
      if (time - (samples.at(-1)?.time ?? -Infinity) > this.#windowMs) this.#samples.delete(id);
    }
  }

  /** Metres a second, by least squares; undefined until the positions cover half of the window. */
  speedOf(id: number): number | undefined {
    const samples = this.#samples.get(id) ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last || first === last || last.time - first.time < this.#windowMs / 2) return undefined;
    const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const [time, x, y] = [mean((sample) => sample.time), mean(({ at }) => at[0]), mean(({ at }) => at[1])];
    let [spread, along, across] = [0, 0, 0];
    for (const sample of samples) {
      const away = sample.time - time;
      spread += away ** 2;
      along += away * (sample.at[0] - x);
      across += away * (sample.at[1] - y);
    }
    return (1000 * Math.hypot(along, across)) / spread;
  }
}
