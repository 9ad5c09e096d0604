import { mapAsync } from 'edgeflow';
import type { Detections } from 'edgeflow/operators';
import { checkLatestOnly, checkNoLoss } from 'edgeflow/testing';
import type { PipelineFaults } from 'edgeflow/testing';
import fc from 'fast-check';
import type { Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { differences } from '#recipes/parts/differences.js';
import { withResult } from '#recipes/parts/withResult.js';
import type { OfPicture, WithResult } from '#recipes/parts/withResult.js';

/** Pictures of which some are the same, as when one is delivered again. */
const pictures = fc.record({ source: fc.constantFrom('door', 'yard'), index: fc.nat({ max: 5 }) }, { noNullPrototype: true });

describe('a result with its value', () => {
  /** Like a detector: works for some turns, several at once, and fails now and then. */
  const detected = (input: Observable<OfPicture>, { mayFail }: PipelineFaults): Observable<WithResult<OfPicture, OfPicture>> =>
    input.pipe(
      withResult(
        mapAsync(
          async ({ source, index }) => {
            mayFail();
            for (let turns = index % 3; turns >= 0; turns--) await new Promise((resolve) => setImmediate(resolve));
            return { source, index };
          },
          { concurrency: 3 },
        ),
      ),
    );

  test('is lost for none, and is of the same picture', () =>
    checkNoLoss(detected, { inputs: pictures, outputs: (picture) => [{ value: picture, result: picture }], runs: 30 }));

  test('keeps to the latest: no frame waits for the work on another', () => checkLatestOnly(detected, { inputs: pictures, runs: 20 }));
});

describe('differences of two models', () => {
  const seen = (...objects: Detections['objects']): Detections => ({
    objects,
    width: 100,
    height: 100,
    time: 5,
    index: 3,
    source: 'door',
    model: 'm',
  });
  const at = (x: number, label = 'person', score = 0.9) => ({ label, classId: 0, score, box: [x, 0, x + 10, 10] as const });

  test('pair each object once, those first that overlap most, and within a label', () => {
    const live = seen(at(0), at(3), at(50, 'dog'));
    const candidate = seen(at(2), at(50, 'cat'));
    expect(differences(live, candidate)).toEqual({
      source: 'door',
      index: 3,
      time: 5,
      agreed: 1,
      onlyLive: [at(0), at(50, 'dog')],
      onlyCandidate: [at(50, 'cat')],
    });
    expect(differences(live, live)).toMatchObject({ agreed: 3, onlyLive: [], onlyCandidate: [] });
  });
});
