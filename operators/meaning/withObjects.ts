import type { Tracks, WithObjects } from '../tracks.js';

/**
 * The same frame with objects that know more.
 *
 * @param value - its other fields are kept, those that other operators added too.
 * @param more - what is known of an object.
 */
export function withObjects<V extends Tracks, P extends object>(value: V, more: (object: V['objects'][number]) => P): WithObjects<V, P> {
  return { ...value, objects: value.objects.map((object) => ({ ...object, ...more(object) })) };
}
