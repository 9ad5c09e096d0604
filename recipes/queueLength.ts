import { defineRecipe, QoS, System } from 'edgeflow';
import { toParquet } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';
import { queueRows } from './parts/queueRows.js';
import type { QueueRow } from './parts/queueRows.js';
import { detectorQoS, findPeople, modelFor, pavement, video, videoDefaults } from './parts/video.js';

const defaults = {
  ...videoDefaults,
  /** The zone's corners. */
  zone: pavement,
  everyMs: 10_000,
  /** Rows wait for a file for so long. */
  fileEveryMs: 60_000,
  directory: '.edgeflow/queue-length',
};

/**
 * Writes to Parquet files how many people are in a zone, a row for each `everyMs`.
 *
 * camera → detector → queue → store
 */
export const queueLength = defineRecipe(
  defaults,
  ({ source, fps, pace, model = modelFor(source), zone, everyMs, fileEveryMs, directory }) => {
    const system = new System('queue-length');
    const camera = system.node(() => video({ source, fps, pace }), { name: 'camera' });
    const detector = system.node((_, { input }) => input<Frame>('camera').pipe(findPeople(model)), { name: 'detector' });
    const queue = system.node((_, { input }) => input<Detections>('detector').pipe(queueRows(zone, everyMs)), { name: 'queue' });
    const store = system.node(
      (_, { input }) =>
        input<QueueRow>('queue').pipe(
          toParquet({
            directory,
            everyMs: fileEveryMs,
            columns: {
              source: 'STRING',
              start: 'TIMESTAMP',
              frames: 'INT64',
              mean: 'DOUBLE',
              most: 'INT64',
              left: 'INT64',
              stayed_ms: 'DOUBLE',
            },
            row: ({ start, stayedMs, ...row }) => ({ ...row, start: new Date(start), stayed_ms: stayedMs }),
          }),
        ),
      { name: 'store' },
    );
    system
      .link(camera)
      .to(detector, detectorQoS({ pace }))
      .to(queue, QoS.DURABLE) // what a window is made of waits unacked, and comes again after a crash
      .to(store, QoS.DURABLE);
    return system;
  },
);
export default queueLength;
