import { defineRecipe, QoS, System } from 'edgeflow';
import { camera, detectMotion, encodeJpeg, recordVideo } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { map } from 'rxjs';

/**
 * Records what moves, with the seconds before and after: clips of what happened instead of days of nothing.
 *
 * Nodes: `camera` → `recorder`, which emits a `ClipRef` for each clip.
 *
 * @example
 * ```sh
 * edgeflow run motionRecorder.js -- --source rtsp://10.0.0.7/stream1 --directory clips --pre-roll-ms 10000
 * ```
 */
export const motionRecorder = defineRecipe(
  { source: '/dev/video0', directory: 'clips', preRollMs: 5_000, postRollMs: 5_000, maxBytes: 50e9 },
  ({ source, directory, preRollMs, postRollMs, maxBytes }) => {
    const system = new System('motion-recorder');
    // The frames of the seconds before an event are kept, and JPEG takes a tenth of the memory of pixels.
    const frames = system.node(() => camera({ source }).pipe(encodeJpeg({ quality: 90 })), { name: 'camera' });
    const recorder = system.node(
      (_, { input }) =>
        input<Frame>('camera').pipe(
          detectMotion(),
          map(({ frame, moving }) => ({ ...frame, moving })),
          recordVideo({ directory, preRollMs, postRollMs, maxBytes, when: ({ moving }) => moving }),
        ),
      { name: 'recorder' },
    );
    // The frame that would be skipped may be the one with the face.
    system.link(frames).to(recorder, QoS.DURABLE);
    return system;
  },
);
export default motionRecorder;
