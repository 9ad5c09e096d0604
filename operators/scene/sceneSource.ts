import { EdgeFlowError } from 'edgeflow';
import { checkSceneOptions } from './options.js';
import type { SceneSettings } from './options.js';

/** What stands behind `?` in a camera's `street:` source. */
const numbers = ['fps', 'frames', 'traffic'] as const;

/**
 * The street that a camera's source names: `street:7`, or `street:7?frames=150&fps=30`.
 *
 * @param text - what follows `street:`; an empty seed is 1.
 * @param given - options of the camera; its `fps` goes before that of the text.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function parseSceneSource(
  text: string,
  { fps, ...given }: { readonly pace: boolean; readonly fps?: number | undefined; readonly width?: number; readonly height?: number },
): SceneSettings {
  const [seed = '', query = ''] = text.split('?', 2);
  const asked = new URLSearchParams(query);
  const unknown = [...asked.keys()].find((name) => !numbers.some((known) => known === name));
  if (unknown !== undefined)
    throw new EdgeFlowError('OPTIONS_INVALID', `camera: source street:${text} has '${unknown}'; expected ${numbers.join(', ')}`);
  const options = Object.fromEntries(numbers.filter((name) => asked.has(name)).map((name) => [name, Number(asked.get(name))]));
  return checkSceneOptions({ seed: seed === '' ? 1 : Number(seed), ...options, ...given, ...(fps !== undefined && { fps }) });
}
