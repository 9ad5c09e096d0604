import { defer, map, tap } from 'rxjs';
import type { OperatorFunction } from 'rxjs';

/** What frames, detections and stored pictures have: which picture it is about. */
export interface OfPicture {
  readonly source: string;
  readonly index: number;
}

/** A value, and what an operator made of it. */
export interface WithResult<T, R> {
  readonly value: T;
  readonly result: R;
}

/**
 * Runs an operator, and gives each of its results with the value that it was made of: the one of the same picture.
 *
 * @param operator - emits one result a value, in order, as `detectYolo` and `storeBlob` do; values that fail may be missing.
 */
export function withResult<T extends OfPicture, R extends OfPicture>(
  operator: OperatorFunction<T, R>,
): OperatorFunction<T, WithResult<T, R>> {
  return (values) =>
    defer(() => {
      /** Values in work, in the order of their arrival. */
      const open: T[] = [];
      return values.pipe(
        tap((value) => open.push(value)),
        operator,
        map((result) => {
          // What came before and has no result has failed.
          const before = open.findIndex(({ source, index }) => index === result.index && source === result.source);
          const value = open[before];
          if (!value) throw new Error(`there is a result of picture ${result.index} of '${result.source}', but no such picture came`);
          open.splice(0, before + 1);
          return { value, result };
        }),
      );
    });
}
