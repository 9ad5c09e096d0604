import { defineRecipe, QoS, System } from 'edgeflow';
import { dedupe, detectYolo } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { filter, map } from 'rxjs';
import type { Observable } from 'rxjs';
import { storeToLabel } from './parts/storeToLabel.js';
import type { SeenFrame } from './parts/storeToLabel.js';
import { detectorQoS, modelFor, video, videoDefaults } from './parts/video.js';
import { withResult } from './parts/withResult.js';

const defaults = {
  ...videoDefaults,
  /** @defaultValue the street's own for `street:…`, else `yolox-nano` */
  model: undefined as string | undefined,
  /** Scores from `low` to below `high` are unsure. */
  low: 0.3,
  high: 0.6,
  /** Most frames that are kept of an hour, spread over it. */
  perHour: 60,
  directory: '.edgeflow/unsure',
  /** Most pictures that are kept; the oldest give way. */
  maxCount: 10_000,
};

/**
 * Keeps the frames that a model is not sure of, as pictures to learn from. Each is a JPEG with a proposal of its labels beside it.
 *
 * camera → doubter → keeper
 */
export const activeLearning = defineRecipe(
  defaults,
  ({ source, fps, pace, model = modelFor(source), low, high, perHour, directory, maxCount }) => {
    const system = new System('active-learning');
    const camera = system.node(() => video({ source, fps, pace }), { name: 'camera' });
    const doubter = system.node(
      (_, { input }): Observable<SeenFrame> =>
        input<Frame>('camera').pipe(
          withResult(detectYolo({ model, scoreThreshold: low })),
          filter(({ result }) => result.objects.some(({ score }) => score < high)),
          map(({ value, result }) => ({ ...value, found: result })),
          dedupe({ by: (frame) => frame.source, withinMs: 3_600_000 / perHour }),
        ),
      { name: 'doubter' },
    );
    const keeper = system.node((_, { input }) => input<SeenFrame>('doubter').pipe(storeToLabel({ directory, maxCount })), {
      name: 'keeper',
    });
    // Frames that the model has no time for are no loss; those that were chosen are rare, and kept.
    system.link(camera).to(doubter, detectorQoS({ pace })).to(keeper, QoS.DURABLE);
    return system;
  },
);
export default activeLearning;
