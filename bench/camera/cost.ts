/** The pictures of a camera. */
export const fps = 30;
export const width = 1920;
export const height = 1080;
/** What ffmpeg draws for it. */
export const pattern = `testsrc2=size=${width}x${height}:rate=${fps}`;

/** What a camera costs, per frame. */
export interface CameraCost {
  readonly framesPerSecond: number;
  /** CPU time of the camera's process, without ffmpeg, in milliseconds. */
  readonly cameraMs: number;
  /** That of who takes its frames; undefined where nobody does. */
  readonly takerMs?: number;
}

/** Frames until V8 has seen what the work is, and has optimised it; fewer where there is no time for that. */
export function warmFrames(seconds: number): number {
  return Math.ceil(fps * Math.min(3, seconds));
}
