import type { OperatorFunction } from 'rxjs';
import { checkAtLeast, checkCount, checkRange, refuse } from './checks.js';
import type { Detections } from './detections.js';
import { bySource } from './meaning/bySource.js';
import { checkDetections } from './meaning/checks.js';
import { ByteTracker } from './tracking/byteTracker.js';
import type { Tracks } from './tracks.js';

/** Options of {@link trackObjects}. */
export interface TrackObjectsOptions {
  /** Finds from this score on are paired first, from 0 to 1. @defaultValue 0.5 */
  readonly highScore?: number;
  /** Finds from this score on may go on with a track that no better one fits, from 0 to `highScore`. @defaultValue 0.1 */
  readonly lowScore?: number;
  /** A new track begins with a find of at least this score, from `highScore` to 1. @defaultValue `highScore` + 0.1, at most 1 */
  readonly newScore?: number;
  /** Least product of overlap (IoU) and score with which a find goes on with a track, from 0 to 1. @defaultValue 0.1 */
  readonly minIou?: number;
  /**
   * How far a track that was seen only once, and so has no speed yet, may have moved to its next find: by which part of its size both boxes
   * are grown on each side before they are compared. 0 is ByteTrack as published.
   * @defaultValue 0.5
   */
  readonly reach?: number;
  /** A track counts from so many frames in a row in which it was found. @defaultValue 2 */
  readonly confirmFrames?: number;
  /** For how long an object that is not found is waited for, in milliseconds; more than the time between frames. @defaultValue 2000 */
  readonly maxLostMs?: number;
  /** For how long an object that is not found is told where it is expected, in milliseconds. @defaultValue 0 */
  readonly coastMs?: number;
  /** Whether an object keeps its class: finds of other classes are other objects. @defaultValue true */
  readonly perClass?: boolean;
}

/**
 * Follows objects from frame to frame and gives each an id that it keeps: ByteTrack.
 *
 * ```
 * in   --[car]--[car person]--[car person]--|
 *      trackObjects()
 * out  --[car1]-[car1]--------[car1 person2]-|      a person is believed when seen twice
 * ```
 *
 * Likely finds are paired with the tracks' expected boxes first, then unlikely ones with the tracks that are left, so that a
 * half-hidden object keeps its id. Each source has tracks of its own. Steps follow the frames' times: frames may be missing.
 * A box without area is left out.
 *
 * - **Emits** one {@link Tracks} for each value, at once, also where nothing is followed.
 * - **Settles** a delivery when its tracks have been dealt with downstream.
 * - **Fails** the delivery of detections that are not numbers, or whose boxes are turned over (`DETECTIONS_INVALID`).
 * - **Completes** with the source.
 *
 * Source: Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every Detection Box, ECCV 2022, arXiv:2110.06864;
 * `reach` is the buffered IoU of Yang et al., WACV 2023, arXiv:2211.14317.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(detectYolo({ scoreThreshold: 0.1 }), trackObjects()).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function trackObjects(options: TrackObjectsOptions = {}): OperatorFunction<Detections, Tracks> {
  const {
    highScore = 0.5,
    lowScore = 0.1,
    minIou = 0.1,
    reach = 0.5,
    confirmFrames = 2,
    maxLostMs = 2000,
    coastMs = 0,
    perClass = true,
  } = options;
  const { newScore = Math.min(1, highScore + 0.1) } = options;
  checkRange('trackObjects', 'highScore', highScore, 0, 1);
  checkRange('trackObjects', 'lowScore', lowScore, 0, highScore);
  checkRange('trackObjects', 'newScore', newScore, highScore, 1);
  checkRange('trackObjects', 'minIou', minIou, 0, 1);
  checkRange('trackObjects', 'reach', reach, 0, 10);
  checkCount('trackObjects', 'confirmFrames', confirmFrames);
  checkAtLeast('trackObjects', 'maxLostMs', maxLostMs, 0);
  if (maxLostMs === Infinity) refuse('trackObjects', 'maxLostMs is Infinity; expected a time after which a lost object is forgotten');
  checkRange('trackObjects', 'coastMs', coastMs, 0, maxLostMs);
  const settings = { highScore, lowScore, newScore, minIou, reach, confirmFrames, maxLostMs, coastMs, perClass };

  return bySource('trackObjects', () => {
    let last = 0;
    return () => {
      const tracker = new ByteTracker(settings, () => ++last);
      return (detections) => {
        checkDetections('trackObjects', detections);
        return { ...detections, objects: tracker.update(detections) };
      };
    };
  });
}
