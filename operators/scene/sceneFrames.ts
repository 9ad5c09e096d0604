import { pause } from '../ffmpeg/reconnect.js';
import type { Frame } from '../frame.js';
import { steadyClock } from '../steadyClock.js';
import type { SceneSettings } from './options.js';
import { StreetScene } from './streetScene.js';

/** Frames of a street as they are asked for, at most at its pace. */
export async function* sceneFrames({ view, pace, frames }: SceneSettings, signal: AbortSignal): AsyncGenerator<Frame, void> {
  const street = new StreetScene(view);
  const now = steadyClock();
  let due = performance.now();
  for (let index = 0; index < frames; index++) {
    const waitMs = due - performance.now();
    if (pace && waitMs > 0) await pause(waitMs, signal);
    if (signal.aborted) return;
    due = Math.max(due + 1000 / view.fps, performance.now());
    yield { ...street.frameAt(index).frame, time: now() };
  }
}
