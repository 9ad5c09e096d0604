import { defineRecipe, QoS, System } from 'edgeflow';
import { camera, detectYolo, logTo, splitBy, trackObjects } from 'edgeflow/operators';
import type { Detections, Frame, Tracks } from 'edgeflow/operators';
import { distinctUntilChanged, map } from 'rxjs';
import type { Observable } from 'rxjs';

/** How many objects a camera sees from a time on. */
export interface Occupancy {
  readonly source: string;
  readonly time: number;
  readonly count: number;
}

/**
 * Many cameras share one detector. With `batch` above 1 they share runs of its model too: as soon as so many frames are there, or
 * `waitMs` after the first. Behind it each camera has its own tracks, and a line in `file` whenever another number of objects is seen.
 */
export const manyCameras = defineRecipe(
  {
    sources: { door: 'door.mp4', yard: 'yard.mp4' } as Readonly<Record<string, string>>,
    model: 'yolox-nano',
    batch: 1,
    waitMs: 20,
    file: 'occupancy.jsonl',
  },
  ({ sources, model, batch, waitMs, file }) => {
    const system = new System('many-cameras');
    const detector = system.node(
      // One open frame of each camera: their newest ones meet in a run.
      (frames): Observable<Detections> =>
        (frames as Observable<Frame>).pipe(detectYolo({ model, scoreThreshold: 0.1, batch: { max: batch, waitMs } })),
      { name: 'detector' },
    );
    const tracker = system.node((found): Observable<Tracks> => (found as Observable<Detections>).pipe(trackObjects()), { name: 'tracker' });
    const occupancy = system.node(
      (tracks): Observable<Occupancy> =>
        (tracks as Observable<Tracks>).pipe(
          splitBy(
            (each) => each.source,
            (stream) =>
              stream.pipe(
                map(({ source: name, time, objects }) => ({ source: name, time, count: objects.length })),
                distinctUntilChanged((before, now) => before.count === now.count),
              ),
          ),
          logTo(file),
        ),
      { name: 'occupancy' },
    );
    for (const [name, source] of Object.entries(sources)) {
      const frames = system.node(() => camera({ source, name }), { name });
      system.link(frames).to(detector, QoS.REALTIME); // a busy camera skips its own frames, and never those of others
    }
    system.link(detector).to(tracker, QoS.DURABLE, { prefetch: 1 }).to(occupancy, QoS.DURABLE); // tracks need their order
    return system;
  },
);
export default manyCameras;
