import { trackObjects, windowByTime, zones } from 'edgeflow/operators';
import type { Detections, Point } from 'edgeflow/operators';
import { map, pipe } from 'rxjs';
import type { OperatorFunction } from 'rxjs';

/** What a queue was like for a while. */
export interface QueueRow {
  readonly source: string;
  /** Beginning of the while, in milliseconds since the epoch. */
  readonly start: number;
  /** Frames that were looked at. */
  readonly frames: number;
  /** Objects in the zone, in the mean of the frames. */
  readonly mean: number;
  /** Most objects in a frame. */
  readonly most: number;
  /** How many left the zone. */
  readonly left: number;
  /** How long these had been in it, in the mean, in milliseconds; undefined where none left. */
  readonly stayedMs: number | undefined;
}

/** What the queue in a zone is like: a row for each source and each `everyMs` of its time. */
export function queueRows(zone: readonly Point[], everyMs: number): OperatorFunction<Detections, QueueRow> {
  return pipe(
    trackObjects({ coastMs: 300 }), // who is not found in a frame or two is still there
    zones({ zones: { zone } }),
    windowByTime({ ms: everyMs, by: ({ source }) => source, idleMs: everyMs }),
    map(({ key, start, values }) => {
      const lengths = values.map(({ objects }) => objects.filter((object) => object.zones.length > 0).length);
      const stays = values.flatMap(({ zoneEvents }) => zoneEvents.filter(({ type }) => type === 'leave'));
      return {
        source: key,
        start,
        frames: values.length,
        mean: mean(lengths) ?? 0,
        most: Math.max(...lengths),
        left: stays.length,
        stayedMs: mean(stays.map(({ stayedMs }) => stayedMs)),
      };
    }),
  );
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
