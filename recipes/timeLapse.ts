import { defineRecipe, QoS, System } from 'edgeflow';
import { camera, recordVideo, sampleEvery } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { map } from 'rxjs';

const dayMs = 86_400_000;

/** Pictures a second that the camera gives: four a period, and enough not to be taken for one that hangs. */
const fpsFor = (everyMs: number): number => Math.min(30, Math.max(0.2, 4_000 / everyMs));

/**
 * Makes a film of each day (UTC) from one picture of every `everyMs`: a day in which clouds run and plants grow.
 *
 * Nodes: `camera` → `film`, which emits a `ClipRef` for each film. Where the camera gave no picture, the last one stands.
 *
 * @example
 * ```sh
 * edgeflow run timeLapse.js -- --source rtsp://10.0.0.7/stream1 --every-ms 10000 --fps 25
 * ```
 */
export const timeLapse = defineRecipe(
  { source: '/dev/video0', everyMs: 10_000, fps: 25, directory: 'time-lapse' },
  ({ source, everyMs, fps, directory }) => {
    const system = new System('time-lapse');
    // ffmpeg leaves out most pictures before their pixels reach a process.
    const frames = system.node(() => camera({ source, fps: fpsFor(everyMs) }), { name: 'camera' });
    const filmTime = (time: number): number => {
      const midnight = Math.floor(time / dayMs) * dayMs;
      return midnight + Math.round(((Math.floor(time / everyMs) - Math.floor(midnight / everyMs)) * 1_000) / fps);
    };
    const film = system.node(
      (_, { input }) =>
        input<Frame>('camera').pipe(
          sampleEvery(everyMs),
          // From the time alone: after a restart the film goes on where it would have been.
          map((frame) => ({ ...frame, time: filmTime(frame.time) })),
          recordVideo({ directory, segmentMs: (dayMs / everyMs) * (1_000 / fps), idleMs: 5_000 + 3 * everyMs }),
        ),
      { name: 'film' },
    );
    // A picture that is left out is seen as a jump.
    system.link(frames).to(film, QoS.DURABLE);
    return system;
  },
);
export default timeLapse;
