/** The value below which a share of the values lie, by nearest rank; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** One figure over all rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle of the rounds, and how far they lie apart. */
export function spread(values: readonly number[]): Spread {
  const significant = (value: number): number => Number(value.toPrecision(3));
  return { median: significant(quantile(values, 0.5)), min: significant(Math.min(...values)), max: significant(Math.max(...values)) };
}
