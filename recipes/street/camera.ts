import { setTimeout as sleep } from 'node:timers/promises';
import { fromPull } from 'edgeflow';
import type { Frame } from 'edgeflow/operators';
import type { Observable } from 'rxjs';
import { StreetScene, type StreetSceneOptions } from './scene.js';

/** Options of {@link streetCamera} and {@link streetFrames}. */
export interface StreetCameraOptions extends StreetSceneOptions {
  /** `true`: at most `fps` frames a second, as a real camera. `false`: as fast as they are taken. @defaultValue true */
  readonly pace?: boolean;
  /** End after this many frames. @defaultValue Infinity */
  readonly frames?: number;
}

/**
 * Frames of a street scene, one after the other, with the time at which each was taken.
 *
 * A frame that is asked for late shifts those after it: none is left out, and none comes in a burst. What is really in
 * a frame can be had later from `new StreetScene(options).frameAt(frame.index)`.
 *
 * @param options - the scene, its pace, and a signal that ends the frames.
 * @throws EdgeFlowError `OPTIONS_INVALID` for sizes, a frame rate or a traffic that no scene can have.
 */
export async function* streetFrames(
  options: StreetCameraOptions & { readonly signal?: AbortSignal },
): AsyncGenerator<Frame, void, undefined> {
  const { pace = true, frames = Infinity, signal } = options;
  const scene = new StreetScene(options);
  let due = performance.now();
  for (let index = 0; index < frames && !signal?.aborted; index++) {
    if (pace && !(await until(due, signal))) return;
    due = Math.max(due + 1000 / scene.fps, performance.now());
    yield { ...scene.frameAt(index).frame, time: Date.now() };
  }
}

/**
 * A camera that needs no camera: frames of a street that is drawn, at the pace of a real one.
 *
 * ```
 * streetCamera({ seed: 1, fps: 15 })   f0--f1--f2--f3--f4…   one every 67 ms, later where work holds it back
 * ```
 *
 * - **Emits** rgb24 frames, each in a delivery of its own; the next is drawn when the last is settled.
 * - **Completes** after `frames` frames, by default never.
 *
 * @param options - which street, its size and its pace.
 * @throws EdgeFlowError `OPTIONS_INVALID`, through the Observable, for options that no scene can have.
 * @example
 * ```ts
 * streetCamera({ seed: 7 }).pipe(detectYolo({ model: streetModelPath })).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function streetCamera(options: StreetCameraOptions): Observable<Frame> {
  return fromPull(({ signal }) => streetFrames({ ...options, signal }));
}

/** Waits for a moment of the process clock; false when the signal came first. */
async function until(due: number, signal: AbortSignal | undefined): Promise<boolean> {
  const wait = due - performance.now();
  if (wait <= 0) return true;
  try {
    await sleep(wait, undefined, signal ? { signal } : {});
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  }
}
