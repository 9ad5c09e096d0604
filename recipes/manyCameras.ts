import { defineRecipe, QoS, System } from 'edgeflow';
import { camera, detectYolo, logTo, trackObjects } from 'edgeflow/operators';
import type { Detections, Frame, Tracks } from 'edgeflow/operators';
import { merge } from 'rxjs';
import type { Observable } from 'rxjs';
import { occupancy } from './parts/occupancy.js';
import { modelFor } from './parts/video.js';

const defaults = {
  /** A video file, a url, `/dev/videoN` or a generated street (`street:1`) for each name. */
  sources: { door: 'street:1', yard: 'street:2' } as Readonly<Record<string, string>>,
  /** One for `batch` above 1 has a dynamic batch dimension. @defaultValue the street's own where all are streets, else `yolox-nano` */
  model: undefined as string | undefined,
  /** Most frames in one run of the model. */
  batch: 1,
  /** How long a frame waits for others. */
  waitMs: 20,
  file: '.edgeflow/many-cameras/occupancy.jsonl',
};

/**
 * Lets many cameras share one detector, and with `batch` the runs of its model. Behind it each camera has its own tracks, and a line
 * in `file` whenever another number of objects is in its picture.
 *
 * door, yard … → detector → tracker → occupancy
 */
export const manyCameras = defineRecipe(defaults, ({ sources, model, batch, waitMs, file }) => {
  const system = new System('many-cameras');
  const names = Object.keys(sources);
  const real = Object.values(sources).find((source) => !source.startsWith('street:'));
  const detect = { model: model ?? modelFor(real ?? 'street:1'), scoreThreshold: 0.1, batch: { max: batch, waitMs } };
  const detector = system.node(
    (_, { input }): Observable<Detections> => merge(...names.map((name) => input<Frame>(name))).pipe(detectYolo(detect)),
    { name: 'detector' },
  );
  const tracker = system.node((_, { input }): Observable<Tracks> => input<Detections>('detector').pipe(trackObjects()), {
    name: 'tracker',
  });
  const counts = system.node((_, { input }) => input<Tracks>('tracker').pipe(occupancy(), logTo(file)), { name: 'occupancy' });
  for (const [name, source] of Object.entries(sources)) {
    const one = system.node(() => camera({ source, name }), { name });
    system.link(one).to(detector, QoS.REALTIME); // the newest frame of each meets those of the others; none crowds another out
  }
  system.link(detector).to(tracker, QoS.DURABLE, { prefetch: 1 }).to(counts, QoS.DURABLE, { prefetch: 1 }); // in their order
  return system;
});
export default manyCameras;
