import { defineRecipe, QoS, System } from 'edgeflow';
import { detectYolo, logTo } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';
import { retry, tap, timer } from 'rxjs';
import type { Observable } from 'rxjs';
import { differences } from './parts/differences.js';
import { modelFor, video, videoDefaults } from './parts/video.js';

const defaults = {
  ...videoDefaults,
  /** @defaultValue the street's own for `street:…`, else `yolox-nano` */
  live: undefined as string | undefined,
  /** @defaultValue the live one */
  candidate: undefined as string | undefined,
  liveScore: 0.5,
  candidateScore: 0.5,
  report: '.edgeflow/model-ab/differences.jsonl',
};

/**
 * Tries a candidate model on the frames of the live one. What they see differently is written to `report`. Whatever becomes of the
 * candidate, the live path goes on.
 *
 * camera → live → compare, camera → candidate → compare
 */
export const modelAB = defineRecipe(defaults, ({ source, fps, pace, live = modelFor(source), candidate = live, ...rest }) => {
  const { liveScore, candidateScore, report } = rest;
  const system = new System('model-ab');
  const camera = system.node(() => video({ source, fps, pace }), { name: 'camera' });
  const finds = (model: string, scoreThreshold: number, frames: Observable<Frame>) => frames.pipe(detectYolo({ model, scoreThreshold }));
  const a = system.node((_, { input }) => finds(live, liveScore, input<Frame>('camera')), { name: 'live' });
  const b = system.node(
    (_, { input, show }) =>
      finds(candidate, candidateScore, input<Frame>('camera')).pipe(
        // A model that cannot be used would be given up: here it is told, and tried again.
        tap({ error: (error: unknown) => show(String(error)) }),
        retry({ delay: () => timer(10_000) }),
      ),
    { name: 'candidate', maxRestarts: 1_000_000 },
  );
  const compare = system.node(
    (_, { input }) =>
      differences({ live: input<Detections>('live'), candidate: input<Detections>('candidate') }, !pace).pipe(logTo(report)),
    { name: 'compare' },
  );
  if (pace) {
    // The candidate and the comparison are shadows: nothing of the experiment holds back the camera or the live model, or stops them.
    system.link(camera).to(a, QoS.REALTIME).shadow(compare);
    system.link(camera).shadow(b).to(compare, QoS.REALTIME);
  } else {
    // Every frame of a recording is compared.
    system.link(camera).to(a, QoS.DURABLE).to(compare, QoS.DURABLE);
    system.link(camera).to(b, QoS.DURABLE).to(compare, QoS.DURABLE);
  }
  return system;
});
export default modelAB;
