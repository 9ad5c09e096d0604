/** A way to send values through operators. Both resolve when so many values have gone in and all is done. */
export interface Way {
  readonly name: string;
  /** Through map, filter and scan. */
  synchronous(values: number): Promise<void>;
  /** Through map, filter, scan and an asynchronous operator, one value at a time. */
  asynchronous(values: number): Promise<void>;
}

/** What each operator does, for all ways. */
export const increase = (value: number): number => value + 1;
export const isTaken = (value: number): boolean => value % 4 !== 0;
export const add = (sum: number, value: number): number => (sum + value) % 1_000_003;
export const answer = (value: number): Promise<number> => Promise.resolve(value + 1);

/** How many values a source that may not run ahead has under way. */
export const windowSize = 64;

/** @throws Error where the operators did not do what they should. */
export function checkCount(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} ${what}, expected ${expected}`);
}

/** How many of the values pass `isTaken`. */
export function takenOf(values: number): number {
  // The values 0, 1, 2 … are increased first, so that every fourth is dropped.
  return values - Math.floor(values / 4);
}
