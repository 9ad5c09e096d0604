import { defineRecipe, QoS, System } from 'edgeflow';
import { detectMotion, storeBlob, webcam } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { filter, map } from 'rxjs';

/**
 * Takes a still of a webcam every `everyMs`, and keeps those in which something has come or gone: a camera trap.
 *
 * Nodes: `webcam` → `trap`, which emits a `BlobRef` for each picture that is kept.
 *
 * @example
 * ```sh
 * edgeflow run wildlife.js -- --device /dev/video0 --every-ms 2000 --directory wildlife
 * ```
 */
export const wildlife = defineRecipe(
  { device: '/dev/video0', everyMs: 5_000, width: 1280, height: 720, directory: 'wildlife', maxBytes: 10e9 },
  ({ device, everyMs, width, height, directory, maxBytes }) => {
    const system = new System('wildlife');
    const stills = system.node(() => webcam({ device, intervalMs: everyMs, width, height }), { name: 'webcam' });
    const trap = system.node(
      (_, { input }) =>
        input<Frame>('webcam').pipe(
          detectMotion(),
          filter(({ moving }) => moving),
          map(({ frame }) => frame),
          storeBlob({ directory, maxBytes }),
        ),
      { name: 'trap' },
    );
    // A visit may last for one picture.
    system.link(stills).to(trap, QoS.DURABLE);
    return system;
  },
);
export default wildlife;
