import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mapAsync } from 'edgeflow';
import { sidecarOf } from 'edgeflow/operators';
import { checkLatestOnly, checkNoLoss } from 'edgeflow/testing';
import type { PipelineFaults } from 'edgeflow/testing';
import fc from 'fast-check';
import { lastValueFrom, map, of, range, toArray } from 'rxjs';
import type { Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { storeToLabel } from '#recipes/parts/storeToLabel.js';
import type { SeenFrame } from '#recipes/parts/storeToLabel.js';
import { withResult } from '#recipes/parts/withResult.js';
import type { OfPicture, WithResult } from '#recipes/parts/withResult.js';
import { temporaryFolder } from '../operators/systemSupport.js';

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

describe('pictures to be labelled', () => {
  const seen = (index: number): SeenFrame => {
    const picture = { width: 16, height: 16, time: Date.UTC(2026, 10, 23, 12, index), index, source: 'door' };
    return { ...picture, data: new Uint8Array(768), format: 'rgb24', found: { ...picture, objects: [], model: 'none' } };
  };
  const filesOf = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(jpg|rgb24|json)$/.test(name))
      .sort();

  test('give way to newer ones together with their labels, and leave no folder behind', async () => {
    const directory = temporaryFolder();
    await lastValueFrom(range(0, 10).pipe(map(seen), storeToLabel({ directory, maxCount: 3 })));
    const names = filesOf(directory);
    expect(names.map((name) => /\/(\d{2}-\d{2})\/.*\.(\w+)$/.exec(name)?.slice(1).join())).toEqual(
      ['12-07', '12-08', '12-09'].flatMap((minute) => [`${minute},jpg`, `${minute},json`]),
    );
    expect(readdirSync(join(directory, '2026-11-23'))).toHaveLength(3);
  });

  test('may give way before their labels are written', async () => {
    const labelled = range(0, 40).pipe(map(seen), storeToLabel({ directory: temporaryFolder(), maxCount: 1 }), toArray());
    expect(await lastValueFrom(labelled)).toHaveLength(40);
  });

  test('have their labels beside them as raw pictures too', async () => {
    const directory = temporaryFolder();
    const { picture } = await lastValueFrom(of(seen(1)).pipe(storeToLabel({ directory, format: 'raw' })));
    expect(sidecarOf(picture)).toBe(picture.replace('.rgb24', '.json'));
    expect(filesOf(directory)).toEqual([sidecarOf(picture), picture].sort());
    expect(readFileSync(join(directory, picture))).toHaveLength(768);
  });
});
