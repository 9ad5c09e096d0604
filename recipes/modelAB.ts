import { defineRecipe, QoS, System } from 'edgeflow';
import { camera, detectYolo, joinByTime, logTo } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';
import { filter, map, retry, tap, timer } from 'rxjs';
import type { Observable } from 'rxjs';
import { differences } from './modelAB/differences.js';
import type { Differences } from './modelAB/differences.js';

/**
 * Tries a candidate model on the frames of the live one. Frames that both saw are compared, and those that they see differently are
 * written to `report`. Whatever the candidate does (crash, hang, not load), the live path goes on.
 */
export const modelAB = defineRecipe(
  { source: 'street.mp4', live: 'yolox-nano', candidate: 'yolox-nano', liveScore: 0.5, candidateScore: 0.5, report: 'differences.jsonl' },
  ({ source, live: liveModel, candidate: candidateModel, liveScore, candidateScore, report }) => {
    const system = new System('model-ab');
    const frames = system.node(() => camera({ source }), { name: 'camera' });
    const live = system.node(
      (_, { input }): Observable<Detections> => input<Frame>('camera').pipe(detectYolo({ model: liveModel, scoreThreshold: liveScore })),
      { name: 'live' },
    );
    const candidate = system.node(
      (_, { input, show }): Observable<Detections> =>
        input<Frame>('camera').pipe(
          detectYolo({ model: candidateModel, scoreThreshold: candidateScore }),
          // A model that cannot be used would stop the System: here it is tried again, and told in the live table.
          tap({ error: (error: unknown) => show(String(error)) }),
          retry({ delay: () => timer(10_000) }),
        ),
      { name: 'candidate', maxRestarts: 1_000_000 },
    );
    const compare = system.node(
      (_, { input, show }): Observable<Differences> => {
        const counts = { compared: 0, different: 0 };
        const found = { live: input<Detections>('live'), candidate: input<Detections>('candidate') };
        return joinByTime(found, { toleranceMs: 0 }).pipe(
          map((both) => differences(both.live, both.candidate)),
          tap(() => show(`${++counts.compared} frames compared, ${counts.different} differ`)),
          filter(({ onlyLive, onlyCandidate }) => onlyLive.length + onlyCandidate.length > 0),
          tap(() => counts.different++),
          logTo(report),
        );
      },
      { name: 'compare' },
    );
    // All REALTIME: nothing of the experiment can hold back the camera or the live model. Link what matters from `live`, DURABLE.
    system.link(frames).to(live, QoS.REALTIME).to(compare, QoS.REALTIME);
    system.link(frames).to(candidate, QoS.REALTIME).to(compare, QoS.REALTIME);
    return system;
  },
);
export default modelAB;
