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
