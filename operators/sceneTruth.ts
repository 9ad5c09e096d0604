import type { Detections } from './detections.js';
import { drawScene } from './drawScene.js';
import type { Frame } from './frame.js';
import type { SceneView } from './scene/options.js';
import type { SceneObject } from './scene/streetScene.js';

/** What is really in a frame of a {@link scene}. */
export interface SceneTruth extends Detections {
  readonly objects: readonly SceneObject[];
}

/**
 * What is really in the frames of a {@link scene}, in the form of a detector's results: for tests of trackers, counters and
 * detectors, and of whatever comes behind them.
 *
 * ```
 * in   --frame 0--frame 1--|
 *      map(sceneTruth(options))
 * out  --truth 0--truth 1--|
 * ```
 *
 * @param view - the options of the `scene` whose frames are asked about. Those of another give another street's truth.
 * @returns a function of a frame, or of a `{ index, time }` without its pixels.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * scene({ seed: 7 }).pipe(map(sceneTruth({ seed: 7 }))).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function sceneTruth(view: SceneView = {}): (frame: Pick<Frame, 'index' | 'time'>) => SceneTruth {
  const momentOf = drawScene(view);
  return ({ index, time }) => {
    const { frame, objects } = momentOf(index);
    return { objects, width: frame.width, height: frame.height, time, index, source: frame.source, model: 'truth' };
  };
}
