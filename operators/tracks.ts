import type { Detection, Detections } from './detections.js';

/** One object that is followed from frame to frame. */
export interface Track extends Detection {
  /** The same whole number, from 1, for the same object in every frame; no two objects of a subscription share one. */
  readonly id: number;
  /** For how long the object has been followed, in milliseconds. */
  readonly ageMs: number;
  /** In how many frames it was found. */
  readonly hits: number;
  /** Whether it was found in this frame. If not, the box is where it is expected to be. */
  readonly found: boolean;
  /** How its centre moves: to the right and down, in pixels a second. */
  readonly velocity: readonly [x: number, y: number];
}

/** The objects of one frame, each with an id that it keeps. */
export interface Tracks extends Detections {
  readonly objects: readonly Track[];
}

/** `V` with `P` added to each of its objects. */
export type WithObjects<V extends Tracks, P> = Omit<V, 'objects'> & { readonly objects: readonly (V['objects'][number] & P)[] };
