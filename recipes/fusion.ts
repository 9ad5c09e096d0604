import { join } from 'node:path';
import { defineRecipe, QoS, System } from 'edgeflow';
import { detectYolo, joinByTime, logTo } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { readings } from './parts/readings.js';
import type { Reading } from './parts/readings.js';
import { detectorQoS, modelFor, video, videoDefaults } from './parts/video.js';

/** What was seen, and what was measured so much later (earlier where it is negative). */
export type Fused = Detections & { readonly value: number; readonly apartMs: number };

const defaults = {
  ...videoDefaults,
  /** File, pipe or serial device that gives a line of JSON for each reading: `{ "time": …, "value": … }`. */
  sensor: 'readings.jsonl',
  /** By how much the sensor's clock is ahead of the camera's. */
  offsetMs: 0,
  /** How far apart a frame and its reading may be. */
  toleranceMs: 50,
  /** How late a reading or a frame may come, behind newer ones. */
  latenessMs: 500,
  directory: '.edgeflow/fusion',
};

/**
 * Joins what a camera sees to what a sensor measures at the same time: a line of `fused.jsonl` for each pair.
 *
 * camera → detector → fusion, sensor → fusion
 */
export const fusion = defineRecipe(defaults, ({ source, fps, pace, model = modelFor(source), sensor, offsetMs, directory, ...near }) => {
  const system = new System('fusion');
  const camera = system.node(() => video({ source, fps, pace }), { name: 'camera' });
  const detector = system.node((_, { input }) => input<Frame>('camera').pipe(detectYolo({ model })), { name: 'detector' });
  const measured = system.node(() => readings(sensor), { name: 'sensor' });
  const fused = system.node(
    (_, { input, show }): Observable<Fused> => {
      const onUnmatched = ({ counts }: { counts: object }): void => show(JSON.stringify(counts));
      const corrected = input<Reading>('sensor').pipe(map((reading) => ({ ...reading, time: reading.time - offsetMs })));
      const inputs: { seen: Observable<Detections>; measured: Observable<Reading> } = { seen: input('detector'), measured: corrected };
      // Of recordings, one is read long before the other.
      const patience = pace ? {} : { maxPending: 1_000_000, idleMs: 15_000 };
      return joinByTime(inputs, { ...near, ...patience, onUnmatched }).pipe(
        map(({ seen, measured }) => ({ ...seen, value: measured.value, apartMs: measured.time - seen.time })),
        logTo(join(directory, 'fused.jsonl')),
      );
    },
    { name: 'fusion' },
  );
  system.link(camera).to(detector, detectorQoS({ pace })).to(fused, QoS.DURABLE);
  system.link(measured).to(fused, QoS.DURABLE);
  return system;
});
export default fusion;
