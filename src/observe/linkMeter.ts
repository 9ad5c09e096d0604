/** How many ages are kept. */
const size = 512;

/** Counts of one input, and the ages of its last deliveries. */
export class LinkMeter {
  readonly #ages = new Float64Array(size);
  #delivered = 0;
  #failed = 0;

  delivered(ageMs: number): void {
    this.#ages[this.#delivered++ % size] = ageMs;
  }

  failed(): void {
    this.#failed++;
  }

  counts(): { delivered: number; failed: number; ageP50: number; ageP99: number } {
    const ages = this.#ages.slice(0, Math.min(this.#delivered, size)).sort();
    const quantile = (share: number): number => ages[Math.min(ages.length - 1, Math.floor(ages.length * share))] ?? 0;
    return { delivered: this.#delivered, failed: this.#failed, ageP50: quantile(0.5), ageP99: quantile(0.99) };
  }
}
