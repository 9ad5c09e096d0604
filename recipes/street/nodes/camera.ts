import { defineNode } from 'edgeflow';
import { camera, scene } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { tap } from 'rxjs';

/** Options of the demo's camera. */
export interface DemoCameraOptions {
  /** Video file, `rtsp://` url or `/dev/videoN`; the generated scene where there is none. */
  readonly source?: string;
  /** Seed of the generated scene. */
  readonly seed: number;
  readonly fps: number;
}

export default defineNode<never, Frame, DemoCameraOptions>((_, { name, options: { source, seed, fps }, show }) => {
  const frames = source === undefined ? scene({ seed, fps }) : camera({ source, name });
  return frames.pipe(
    tap(({ width, height, index }) => {
      show(`frame ${index}, ${width}x${height}`);
    }),
  );
});
