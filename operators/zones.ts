import type { OperatorFunction } from 'rxjs';
import { anchorOf, checkPlace } from './meaning/anchor.js';
import type { Anchor } from './meaning/anchor.js';
import { bySource } from './meaning/bySource.js';
import { checkAtLeast, checkCount, checkNeeded, isObject, refuse } from './checks.js';
import { checkTracks } from './meaning/checks.js';
import { fromPixels } from './meaning/point.js';
import type { Point, Units } from './meaning/point.js';
import { checkPolygon, isInside } from './meaning/polygon.js';
import { withObjects } from './meaning/withObjects.js';
import { ZoneStays } from './meaning/zoneStays.js';
import type { Track, Tracks, WithObjects } from './tracks.js';

/** Something that happened to an object and a zone. */
export interface ZoneEvent {
  /** `dwell`: it has stayed for `dwellMs`, told once a stay. */
  readonly type: 'enter' | 'leave' | 'dwell';
  /** Name of the zone. */
  readonly zone: string;
  /** The object's id. */
  readonly id: number;
  /** The object's class. */
  readonly label: string;
  /** When it happened, in milliseconds since the epoch: the frame in which it was first on its new side, or last seen inside. */
  readonly time: number;
  /** For how long it had been in the zone, in milliseconds; 0 where it enters. */
  readonly stayedMs: number;
}

/** What {@link zones} adds to a frame. */
export type InZones<V extends Tracks> = WithObjects<V, { readonly zones: readonly string[] }> & {
  readonly zoneEvents: readonly ZoneEvent[];
};

/** Options of {@link zones}. */
export interface ZonesOptions {
  /** The corners of each zone in their order, by its name. Zones may overlap. */
  readonly zones: Readonly<Record<string, readonly Point[]>>;
  /** What corners are given in. @defaultValue 'fractions' of the picture's width and height, from 0 to 1 */
  readonly units?: Units;
  /** The point of a box that must be in the zone. @defaultValue 'bottom' */
  readonly anchor?: Anchor;
  /** A stay of this many milliseconds is told as an event. @defaultValue Infinity: none */
  readonly dwellMs?: number;
  /** An object enters or leaves with so many frames in a row on its new side. @defaultValue 2 */
  readonly minFrames?: number;
  /** An object that has not been seen for so many milliseconds has left. @defaultValue 1000 */
  readonly lostMs?: number;
}

/**
 * Tells which objects are in which zones of the picture, and when they enter, stay and leave.
 *
 * ```
 * in      --t1-----t2-----t3-----t4--|      a car drives into zone 'gate'
 *         zones({ zones: { gate: […] } })
 * out     --t1-----t2-----t3-----t4--|
 * events             enter          leave
 * ```
 *
 * Each source has its own stays. Lost objects leave when a later frame of their source comes.
 *
 * - **Emits** each value at once, each object with the names of its `zones`, and the frame's `zoneEvents`.
 * - **Settles** a delivery when its value has been dealt with downstream.
 * - **Fails** the delivery of objects without an id, or with boxes that are none (`DETECTIONS_INVALID`).
 * - **Completes** with the source; who is inside then has not left.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`, also for a polygon with fewer than three corners or with edges that cross.
 * @example
 * ```ts
 * tracks.pipe(zones({ zones: { gate: [[0.1, 0.5], [0.4, 0.5], [0.4, 1], [0.1, 1]] }, dwellMs: 30_000 })).subscribe(({ zoneEvents }) => console.log(zoneEvents));
 * ```
 */
export function zones<V extends Tracks>(options: ZonesOptions): OperatorFunction<V, InZones<V>> {
  const { units = 'fractions', anchor = 'bottom', dwellMs = Infinity, minFrames = 2, lostMs = 1000 } = options;
  checkPlace('zones', anchor, units);
  checkNeeded('zones', 'zones', options.zones, isObject(options.zones), 'an object of polygons by their names');
  const polygons = Object.entries(options.zones);
  if (polygons.length === 0) refuse('zones', 'zones is empty; expected at least one polygon by its name');
  for (const [name, polygon] of polygons) checkPolygon('zones', `'${name}'`, polygon, units);
  checkAtLeast('zones', 'dwellMs', dwellMs, 0);
  checkCount('zones', 'minFrames', minFrames);
  checkAtLeast('zones', 'lostMs', lostMs, 0);

  return bySource('zones', () => () => {
    const stays = new ZoneStays({ dwellMs, minFrames, lostMs });
    return (value) => {
      checkTracks('zones', value);
      const at = ({ box }: Track): Point => fromPixels(anchorOf(box, anchor), units, value);
      const around = (point: Point): string[] => polygons.flatMap(([name, polygon]) => (isInside(polygon, point) ? [name] : []));
      const zoneEvents: ZoneEvent[] = stays.forget(value.time);
      for (const object of value.objects) zoneEvents.push(...stays.see(object, around(at(object)), value.time));
      return { ...withObjects(value, ({ id }) => ({ zones: stays.zonesOf(id) })), zoneEvents };
    };
  });
}
