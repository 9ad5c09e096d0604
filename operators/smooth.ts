import type { MonoTypeOperatorFunction } from 'rxjs';
import { bySource } from './meaning/bySource.js';
import { PictureSize } from './meaning/pictureSize.js';
import { checkAtLeast, checkCount } from './checks.js';
import { checkTracks } from './meaning/checks.js';
import type { Track, Tracks } from './tracks.js';

/** Options of {@link smooth}. */
export interface SmoothOptions {
  /** An object appears when it has been there for so many milliseconds. @defaultValue 200 */
  readonly appearMs?: number;
  /** An object appears when it was found in so many frames; both must hold. @defaultValue 2 */
  readonly appearFrames?: number;
  /** An object disappears when it has not been found for so many milliseconds. @defaultValue 500 */
  readonly disappearMs?: number;
}

interface Presence {
  readonly since: number;
  frames: number;
  seen: number;
  shown: boolean;
  last: Track;
}

/**
 * Lets objects appear and disappear only when they do so for a while: what flickers for a frame or two is neither there nor gone.
 *
 * ```
 * in   --[]---[a]---[a]---[]----[a]---[]----[]----[]--|
 *      smooth({ appearFrames: 2, … })
 * out  --[]---[]----[a]---[a']--[a]---[a']--[a']--[]--|      a' is not found, and shown where it was last
 * ```
 *
 * - **Emits** each value at once, with the objects that are there. One that is held has its last box, and `found: false`.
 * - **Settles** a delivery when its value has been dealt with downstream.
 * - **Fails** the delivery of objects without an id, or with boxes that are none (`DETECTIONS_INVALID`).
 * - **Completes** with the source.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * tracks.pipe(smooth({ appearMs: 300, disappearMs: 1000 })).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function smooth<V extends Tracks>(options: SmoothOptions = {}): MonoTypeOperatorFunction<V> {
  const { appearMs = 200, appearFrames = 2, disappearMs = 500 } = options;
  checkAtLeast('smooth', 'appearMs', appearMs, 0);
  checkCount('smooth', 'appearFrames', appearFrames);
  checkAtLeast('smooth', 'disappearMs', disappearMs, 0);

  return bySource('smooth', () => () => {
    const known = new Map<number, Presence>();
    const size = new PictureSize();
    return (value) => {
      checkTracks('smooth', value);
      const { time } = value;
      const factors = size.grownTo(value);
      if (factors) for (const presence of known.values()) presence.last = scaled(presence.last, ...factors);
      for (const [id, { seen }] of known) if (time - seen > disappearMs) known.delete(id);
      for (const object of value.objects) {
        if (!object.found) continue;
        const presence = known.get(object.id) ?? { since: time, frames: 0, seen: -Infinity, shown: false, last: object };
        if (time <= presence.seen) continue;
        known.set(object.id, presence);
        presence.frames++;
        presence.seen = time;
        presence.last = object;
        presence.shown ||= presence.frames >= appearFrames && time - presence.since >= appearMs;
      }
      const shown = [...known.values()].filter((presence) => presence.shown);
      return { ...value, objects: shown.map(({ seen, last }) => (seen === time ? last : { ...last, found: false })) };
    };
  });
}

/** Where it is in a picture that is larger or smaller by these factors. */
function scaled(track: Track, x: number, y: number): Track {
  const { box, velocity } = track;
  return { ...track, box: [box[0] * x, box[1] * y, box[2] * x, box[3] * y], velocity: [velocity[0] * x, velocity[1] * y] };
}
