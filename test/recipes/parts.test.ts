import { mapAsync } from 'edgeflow';
import { checkLatestOnly, checkNoLoss } from 'edgeflow/testing';
import type { PipelineFaults } from 'edgeflow/testing';
import fc from 'fast-check';
import type { Observable } from 'rxjs';
import { describe, test } from 'vitest';
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
