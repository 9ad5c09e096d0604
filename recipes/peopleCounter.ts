import { join } from 'node:path';
import { defineRecipe, QoS, System } from 'edgeflow';
import { countLine, toSqlite, trackObjects } from 'edgeflow/operators';
import type { Crossing, Detections, Frame } from 'edgeflow/operators';
import { mergeMap } from 'rxjs';
import type { Observable } from 'rxjs';
import { detectorQoS, findPeople, modelFor, pavementLine, video, videoDefaults } from './parts/video.js';

/** Somebody who passed the line, and at which camera. */
export type Passage = Crossing & { readonly source: string };

const defaults = {
  ...videoDefaults,
  /** From one end to the other; who passes it to the right hand goes in. */
  line: pavementLine,
  directory: '.edgeflow/people-counter',
};

/**
 * Counts the people who pass a line, each way: a row of `passages.db` for each.
 *
 * camera → detector → counter → store
 */
export const peopleCounter = defineRecipe(defaults, ({ source, fps, pace, model = modelFor(source), line, directory }) => {
  const system = new System('people-counter');
  const camera = system.node(() => video({ source, fps, pace }), { name: 'camera' });
  const detector = system.node((_, { input }) => input<Frame>('camera').pipe(findPeople(model)), { name: 'detector' });
  const counter = system.node(
    (_, { input }): Observable<Passage> =>
      input<Detections>('detector').pipe(
        trackObjects(),
        countLine({ line }),
        mergeMap(({ source, crossings }) => crossings.map((crossing) => ({ ...crossing, source }))),
      ),
    { name: 'counter' },
  );
  const store = system.node(
    (_, { input }) =>
      input<Passage>('counter').pipe(
        toSqlite({
          file: join(directory, 'passages.db'),
          table: 'passages',
          columns: { time: 'INTEGER', source: 'TEXT', direction: 'TEXT' },
          row: ({ time, source, direction }) => ({ time, source, direction }),
        }),
      ),
    { name: 'store' },
  );
  system
    .link(camera)
    .to(detector, detectorQoS({ pace }))
    .to(counter, QoS.DURABLE) // who was seen is not missed
    .to(store, QoS.DURABLE); // a passage is one row, whatever is killed
  return system;
});
export default peopleCounter;
