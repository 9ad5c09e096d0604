import { noSkips } from './skips.js';
import type { SkipCounts, SkipReason } from './skips.js';

/** How many ages are kept. */
const size = 512;

/** Bounds of ages that deliveries are counted by, in milliseconds. */
export const ageBucketsMs: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** Counts of one input since its worker started. */
export interface LinkCounts {
  readonly delivered: number;
  readonly failed: number;
  /** Deliveries that wait for further input now. */
  readonly parked: number;
  /** Milliseconds from publication to delivery, over the last deliveries. */
  readonly ageP50: number;
  readonly ageP99: number;
  /** Milliseconds from publication to delivery, all together. */
  readonly ageSumMs: number;
  /** How many deliveries had at most each age of `ageBucketsMs`, and more than the one before; then those that had more. */
  readonly ageBuckets: readonly number[];
  readonly skips: SkipCounts;
}

/** Counts of one input, and the ages of its last deliveries. */
export class LinkMeter {
  readonly #ages = new Float64Array(size);
  #delivered = 0;
  #failed = 0;
  #parked = 0;
  #ageSumMs = 0;
  readonly #buckets = new Array<number>(ageBucketsMs.length + 1).fill(0);
  readonly #skips: Record<SkipReason, number> = { ...noSkips };

  delivered(ageMs: number): void {
    this.#ages[this.#delivered++ % size] = ageMs;
    this.#ageSumMs += ageMs;
    let bucket = 0;
    while (ageMs > (ageBucketsMs[bucket] ?? Infinity)) bucket++;
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  skipped(count: number, reason: SkipReason): void {
    this.#skips[reason] += count;
  }

  parked(change: 1 | -1): void {
    this.#parked += change;
  }

  /** Whether deliveries wait for further input. */
  get waiting(): boolean {
    return this.#parked > 0;
  }

  failed(): void {
    this.#failed++;
  }

  counts(): LinkCounts {
    const ages = this.#ages.slice(0, Math.min(this.#delivered, size)).sort();
    const quantile = (share: number): number => ages[Math.min(ages.length - 1, Math.floor(ages.length * share))] ?? 0;
    return {
      delivered: this.#delivered,
      failed: this.#failed,
      parked: this.#parked,
      ageP50: quantile(0.5),
      ageP99: quantile(0.99),
      ageSumMs: this.#ageSumMs,
      ageBuckets: [...this.#buckets],
      skips: { ...this.#skips },
    };
  }
}
