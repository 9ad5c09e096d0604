import type { Box } from '../detections.js';

/** Mean and covariance of one quantity and of its change. */
interface Estimate {
  value: number;
  rate: number;
  valueVariance: number;
  covariance: number;
  rateVariance: number;
}

/** Standard deviations, as parts of the box's height: of its place, and of its change from frame to frame. */
const placeDeviation = 1 / 20;
const rateDeviation = 1 / 160;

/** The published figures are for video at this rate, in frames a second. */
const nominalFps = 30;

/** Standard deviations of the ratio of width to height, and of its change. */
const ratioMeasured = 0.1;
const ratioDeviation = 0.01;
const ratioRateDeviation = 1e-5;

const begin = (value: number, valueDeviation: number, rateDeviation: number): Estimate => ({
  value,
  rate: 0,
  valueVariance: valueDeviation ** 2,
  covariance: 0,
  rateVariance: rateDeviation ** 2,
});

function predict(estimate: Estimate, frames: number, valueDeviation: number, rateDeviation: number): void {
  const { rate, valueVariance, covariance, rateVariance } = estimate;
  estimate.value += rate * frames;
  estimate.valueVariance = valueVariance + 2 * frames * covariance + frames ** 2 * rateVariance + frames * valueDeviation ** 2;
  estimate.covariance = covariance + frames * rateVariance;
  estimate.rateVariance = rateVariance + frames * rateDeviation ** 2;
}

function correct(estimate: Estimate, measured: number, deviation: number): void {
  const { value, valueVariance, covariance } = estimate;
  const total = valueVariance + deviation ** 2;
  const gain = valueVariance / total;
  const rateGain = covariance / total;
  estimate.value += gain * (measured - value);
  estimate.rate += rateGain * (measured - value);
  estimate.valueVariance = (1 - gain) * valueVariance;
  estimate.covariance = (1 - gain) * covariance;
  estimate.rateVariance -= rateGain * covariance;
}

function scale(estimate: Estimate, factor: number): void {
  estimate.value *= factor;
  estimate.rate *= factor;
  estimate.valueVariance *= factor ** 2;
  estimate.covariance *= factor ** 2;
  estimate.rateVariance *= factor ** 2;
}

/** Least height that a box is expected to shrink to, in pixels. */
const leastHeight = 1;

/**
 * Kalman filter of a box that moves at constant velocity, with the state of SORT's successors: centre, ratio of width to height,
 * height, and the change of each (Wojke et al. 2017, arXiv:1703.07402, section 2.1; as in ByteTrack). Time steps may
 * differ: the uncertainty grows with the time, not with the number of frames.
 *
 * All matrices of the model couple a quantity with its own change only, so the filter of 8 states is four of 2, exactly.
 */
export class BoxFilter {
  readonly #x: Estimate;
  readonly #y: Estimate;
  readonly #ratio: Estimate;
  readonly #height: Estimate;

  constructor(box: Box) {
    const [x, y, ratio, height] = measure(box);
    const place = 2 * placeDeviation * height;
    const rate = 10 * rateDeviation * height;
    this.#x = begin(x, place, rate);
    this.#y = begin(y, place, rate);
    this.#ratio = begin(ratio, ratioDeviation, ratioRateDeviation);
    this.#height = begin(height, place, rate);
  }

  /** Moves on by so much time. */
  predict(ms: number): void {
    const frames = (ms / 1000) * nominalFps;
    const place = placeDeviation * this.#height.value;
    const rate = rateDeviation * this.#height.value;
    predict(this.#x, frames, place, rate);
    predict(this.#y, frames, place, rate);
    predict(this.#ratio, frames, ratioDeviation, ratioRateDeviation);
    predict(this.#height, frames, place, rate);
    this.#height.value = Math.max(leastHeight, this.#height.value);
  }

  /** Takes in where the box was found. */
  correct(box: Box): void {
    const [x, y, ratio, height] = measure(box);
    const deviation = placeDeviation * this.#height.value;
    correct(this.#x, x, deviation);
    correct(this.#y, y, deviation);
    correct(this.#ratio, ratio, ratioMeasured);
    correct(this.#height, height, deviation);
    this.#height.value = Math.max(leastHeight, this.#height.value);
  }

  /** The pictures have become larger or smaller by these factors. */
  scale(x: number, y: number): void {
    scale(this.#x, x);
    scale(this.#y, y);
    scale(this.#ratio, x / y);
    scale(this.#height, y);
  }

  /** Keeps the height as it is: what was not found for a while would else grow or shrink without end. */
  stopGrowing(): void {
    this.#height.rate = 0;
  }

  /** Where the box is thought to be. */
  get box(): Box {
    const height = this.#height.value;
    const width = Math.max(0, this.#ratio.value) * height;
    const [x, y] = [this.#x.value, this.#y.value];
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
  }

  /** How the centre moves, in pixels a second. */
  get velocity(): readonly [x: number, y: number] {
    return [this.#x.rate * nominalFps, this.#y.rate * nominalFps];
  }
}

function measure([x1, y1, x2, y2]: Box): [x: number, y: number, ratio: number, height: number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / (y2 - y1), y2 - y1];
}
