import { splitBy } from 'edgeflow/operators';
import type { Tracks } from 'edgeflow/operators';
import { distinctUntilChanged, map } from 'rxjs';
import type { OperatorFunction } from 'rxjs';

/** How many objects a camera sees from a time on. */
export interface Occupancy {
  readonly source: string;
  readonly time: number;
  readonly count: number;
}

/** For each camera by itself, how many objects are in its picture, whenever that changes. */
export function occupancy(): OperatorFunction<Tracks, Occupancy> {
  return splitBy(
    ({ source }) => source,
    (tracks, source) =>
      tracks.pipe(
        map(({ time, objects }) => ({ source, time, count: objects.length })),
        distinctUntilChanged((before, now) => before.count === now.count),
      ),
  );
}
