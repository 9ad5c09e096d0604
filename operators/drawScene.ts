import { EdgeFlowError } from 'edgeflow';
import { checkSceneView } from './scene/options.js';
import type { SceneView } from './scene/options.js';
import { StreetScene } from './scene/streetScene.js';
import type { SceneMoment } from './scene/streetScene.js';

/**
 * Draws any frame of a {@link scene} by its number, in any order, and says what is in it.
 *
 * Its time is that of the scene: `index / fps` seconds after the epoch.
 *
 * @param view - which street, as for `scene`.
 * @returns a function of the frame's number, from 0.
 * @throws EdgeFlowError `OPTIONS_INVALID`, also for a number that no frame has
 * @example
 * ```ts
 * const { frame, objects } = drawScene({ seed: 7 })(100);
 * console.log(frame.data.length, objects.map(({ label }) => label));
 * ```
 */
export function drawScene(view: SceneView = {}): (index: number) => SceneMoment {
  const street = new StreetScene(checkSceneView(view));
  return (index) => {
    if (!(Number.isSafeInteger(index) && index >= 0))
      throw new EdgeFlowError('OPTIONS_INVALID', `scene: there is no frame ${index}; expected a whole number from 0`);
    return street.frameAt(index);
  };
}
