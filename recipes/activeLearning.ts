import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineRecipe, mapAsync, QoS, System } from 'edgeflow';
import { camera, dedupe, detectYolo, storeBlob } from 'edgeflow/operators';
import type { BlobRef, Detections, Frame } from 'edgeflow/operators';
import { filter, map } from 'rxjs';
import type { Observable } from 'rxjs';
import { withResult } from './parts/withResult.js';

/** A frame in which the model is not sure of something. */
export interface UnsureFrame extends Frame {
  readonly found: Detections;
}

/**
 * Keeps the frames that a model is not sure of, as pictures to learn from. Those are frames with an object whose score is from `low` to
 * below `high`; at most `perHour` of a camera are kept, spread over the hour, each a JPEG with a proposal of its labels beside it.
 */
export const activeLearning = defineRecipe(
  { source: 'street.mp4', model: 'yolox-nano', low: 0.3, high: 0.6, perHour: 60, directory: 'unsure', maxCount: 10_000 },
  ({ source, model, low, high, perHour, directory, maxCount }) => {
    const system = new System('active-learning');
    const frames = system.node(() => camera({ source }), { name: 'camera' });
    const doubter = system.node(
      (_, { input }): Observable<UnsureFrame> =>
        input<Frame>('camera').pipe(
          withResult(detectYolo({ model, scoreThreshold: low })),
          filter(({ result }) => result.objects.some(({ score }) => score < high)),
          map(({ value, result }) => ({ ...value, found: result })),
          dedupe({ by: (frame) => frame.source, withinMs: 3_600_000 / perHour }),
        ),
      { name: 'doubter' },
    );
    const keeper = system.node(
      (_, { input }) =>
        input<UnsureFrame>('doubter').pipe(
          withResult<UnsureFrame, BlobRef>(storeBlob({ directory, maxCount })),
          mapAsync(async ({ value: { found }, result: { path } }) => {
            const proposal = { picture: path, ...found };
            await writeFile(join(directory, path.replace(/jpg$/, 'json')), JSON.stringify(proposal, undefined, 2));
            return proposal;
          }),
        ),
      { name: 'keeper' },
    );
    system.link(frames).to(doubter, QoS.REALTIME); // frames that the model has no time for are no loss
    system.link(doubter).to(keeper, QoS.DURABLE); // what was chosen is rare, and kept
    return system;
  },
);
export default activeLearning;
