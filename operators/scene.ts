import { fromPull } from 'edgeflow';
import type { Observable } from 'rxjs';
import type { Frame } from './frame.js';
import { checkSceneOptions } from './scene/options.js';
import type { SceneOptions } from './scene/options.js';
import { sceneFrames } from './scene/sceneFrames.js';

/**
 * A camera that needs no camera: frames of a street that is drawn, at the pace of a real one.
 *
 * ```
 * scene({ seed: 1, fps: 15 })   f0--f1--f2--f3--f4…   one every 67 ms, later where work holds it back
 * ```
 *
 * People, dogs, cars and bicycles come, cross the picture and go. What is really in a frame is told by
 * {@link sceneTruth}. A frame that is asked for late shifts those after it: none is left out, and none comes in a burst.
 *
 * - **Emits** `rgb24` frames with the time at which each was taken, the same pixels for the same options everywhere.
 * - **Settles**: the next frame is drawn when the last one's delivery has settled.
 * - **Completes** after `frames` frames, by default never.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for sizes, a frame rate or a traffic that no scene can have.
 * @example
 * ```ts
 * scene({ seed: 7, traffic: { walkers: 2 } }).pipe(map(sceneTruth({ seed: 7, traffic: { walkers: 2 } })))
 * ```
 */
export function scene(options: SceneOptions = {}): Observable<Frame> {
  const settings = checkSceneOptions(options);
  return fromPull(({ signal }) => sceneFrames(settings, signal));
}
