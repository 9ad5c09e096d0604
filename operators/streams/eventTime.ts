import { EdgeFlowError } from 'edgeflow';

/** When what a value tells of happened, in milliseconds since the epoch. */
export type TimeOf<T> = (value: T) => number;

/**
 * Reads the time of values: by a function, or from their property `time`, as frames and detections have it.
 *
 * The reader throws `VALUE_INVALID` for a value that has none.
 */
export function timeReader<T>(operator: string, time?: TimeOf<T>): TimeOf<T> {
  const read = time ?? ((value: T): number => (value as { readonly time?: number } | null | undefined)?.time ?? NaN);
  return (value) => {
    const found = read(value);
    if (Number.isFinite(found)) return found;
    throw new EdgeFlowError(
      'VALUE_INVALID',
      `${operator}: the time of a value is ${String(found)}; expected milliseconds since the epoch: give values a property 'time', or name another by the option 'time'`,
    );
  };
}

/**
 * Checks an option that is a time span or a count.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkLeast(option: string, value: number, least: number, whole = false): void {
  if (value >= least && (!whole || Number.isInteger(value))) return;
  throw new EdgeFlowError('OPTIONS_INVALID', `${option} is ${value}; expected ${whole ? 'a whole number of ' : ''}at least ${least}`);
}

/**
 * Checks an option that is a time span above 0.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkSpan(option: string, value: number): void {
  if (!(value > 0)) throw new EdgeFlowError('OPTIONS_INVALID', `${option} is ${value}; expected more than 0 ms`);
}
