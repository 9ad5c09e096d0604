import { batch, latestMap, leased, leasingOperator, mapAsync, System } from 'edgeflow';
import { checkLatestOnly, checkNoLoss, checkSystem, pipelines } from 'edgeflow/testing';
import type { PipelineFaults } from 'edgeflow/testing';
import fc from 'fast-check';
import { bufferCount, delay, filter, map, mergeMap, scan } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { forgetfulBatch } from '../fixtures/broken/forgetfulBatch.js';
import { hastyMapAsync } from '../fixtures/broken/hastyMapAsync.js';
import { silentLatestMap } from '../fixtures/broken/silentLatestMap.js';

type Numbers = Observable<number>;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work of some turns that may fail. */
const work =
  ({ mayFail }: PipelineFaults) =>
  async (value: number): Promise<number> => {
    mayFail();
    for (let turns = value % 3; turns >= 0; turns--) await turn();
    return value * 2;
  };

/** Holds each message as if it waited for more input, and never lets it go. */
const hoard = <T>(): OperatorFunction<T, T> =>
  leasingOperator<T, T>('hoard', (output) => ({
    next: (value, lease) => {
      lease.park();
      output.next(value);
    },
  }));

const twice = (value: number): number[] => [value * 2];

describe('checkNoLoss passes', () => {
  test('plain RxJS operators', () =>
    checkNoLoss(
      (input: Numbers) =>
        input.pipe(
          map((value) => value * 2),
          filter((value) => value % 3 > 0),
          scan((_, value) => value),
        ),
      { runs: 20, outputs: (value) => (value % 3 > 0 ? [value * 2] : []) },
    ));

  test('mapAsync, with the output of each input', () =>
    checkNoLoss((input: Numbers, faults) => input.pipe(mapAsync(work(faults), { concurrency: 3 })), { runs: 40, outputs: twice }));

  test('map that throws, which ends the stream', () =>
    checkNoLoss(
      (input: Numbers, { mayFail }) =>
        input.pipe(
          map((value) => {
            mayFail();
            return value;
          }),
        ),
      { runs: 30 },
    ));

  test('latestMap, batch and leased', async () => {
    await checkNoLoss((input: Numbers, faults) => input.pipe(latestMap(work(faults))), { runs: 20 });
    await checkNoLoss((input: Numbers) => input.pipe(batch(3, { maxWaitMs: 2 })), { runs: 20 });
    await checkNoLoss((input: Numbers) => input.pipe(leased(bufferCount(3))), { runs: 20 });
  });

  test('random pipelines', async () => {
    await fc.assert(
      fc.asyncProperty(pipelines(), ({ operator }) =>
        checkNoLoss(
          (input: Numbers) =>
            input.pipe(
              map((value) => [value]),
              operator,
            ),
          { runs: 3 },
        ),
      ),
      { numRuns: 15 },
    );
  });
});

describe('checkNoLoss finds', () => {
  test.each<[string, Parameters<typeof checkNoLoss<number, unknown>>[0], RegExp]>([
    [
      'a mapAsync that releases too early',
      (input, faults) => input.pipe(hastyMapAsync(work(faults))),
      /was settled before its value|was acked, though/,
    ],
    ['a batch that forgets a lease', (input) => input.pipe(forgetfulBatch(3)), /outside its delivery|never released/],
    ['a latestMap that swallows failures', (input, faults) => input.pipe(silentLatestMap(work(faults))), /the failure was swallowed/],
    ['mergeMap with a promise', (input, faults) => input.pipe(mergeMap(work(faults))), /LEASE_ESCAPED|outside its delivery/],
    ['delay', (input) => input.pipe(delay(1)), /outside its delivery/],
    ['a lease that is never released', (input) => input.pipe(hoard()), /a lease on it was never released/],
    ['work that never ends', (input) => input.pipe(mapAsync(() => new Promise(() => undefined))), /some work on a message never ends/],
  ])('%s, and prints the seed and the smallest case', async (_, pipeline, message) => {
    const failure = await checkNoLoss(pipeline, { runs: 300, timeoutMs: 100, timeLimitMs: 2_000, seed: 1 }).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(failure?.message).toMatch(/Property failed after \d+ tests\n\{ seed: 1, path: "[\d:]+"/);
    expect(failure?.message).toMatch(/Counterexample: \[\{"inputs":\[/);
    expect(failure?.message).toMatch(message);
  });

  test('an input without its output', async () => {
    const pipeline = (input: Numbers): Numbers => input.pipe(filter((value) => value !== 7));
    const check = checkNoLoss(pipeline, { inputs: fc.nat({ max: 9 }), outputs: (value) => [value], seed: 2 });
    await expect(check).rejects.toThrow(/Counterexample: \[\{"inputs":\[7[^]*its output 7 never came/);
  });
});

describe('checkLatestOnly', () => {
  test('passes mapAsync, latestMap and plain operators', async () => {
    await checkLatestOnly((input: Numbers, faults) => input.pipe(mapAsync(work(faults))), { runs: 30 });
    await checkLatestOnly((input: Numbers, faults) => input.pipe(latestMap(work(faults))), { runs: 20 });
    await checkLatestOnly((input: Numbers) => input.pipe(map((value) => value + 1)), { runs: 20 });
    await checkLatestOnly((input: Numbers, faults) => input.pipe(mapAsync(work(faults), { concurrency: 3 })), { runs: 20, concurrency: 3 });
  });

  test.each<[string, Parameters<typeof checkLatestOnly<number, unknown>>[0], RegExp]>([
    ['demand that comes too early', (input, faults) => input.pipe(hastyMapAsync(work(faults))), /the next one came too early/],
    ['delay', (input) => input.pipe(delay(1)), /outside its delivery/],
    ['work that never ends', (input) => input.pipe(mapAsync(() => new Promise(() => undefined))), /never end/],
  ])('finds %s', async (_, pipeline, message) => {
    const failure = await checkLatestOnly(pipeline, { runs: 300, timeoutMs: 100, timeLimitMs: 2_000, seed: 1 }).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(failure?.message).toMatch(/Property failed after \d+ tests/);
    expect(failure?.message).toMatch(message);
  });
});

describe.each<[string, (options: object) => Promise<void>]>([
  ['checkNoLoss', (options) => checkNoLoss((values: Numbers) => values, options)],
  ['checkLatestOnly', (options) => checkLatestOnly((values: Numbers) => values, options)],
  ['checkSystem', (options) => checkSystem(() => new System('none'), options)],
])('%s', (name, check) => {
  test.each([{ runs: NaN }, { runs: 0 }, { runs: -1 }, { runs: '5' }, { maxMessages: 0 }, { timeLimitMs: NaN }])(
    'would pass without a run: %o is OPTIONS_INVALID',
    async (options) => {
      await expect(check(options)).rejects.toMatchObject({
        code: 'OPTIONS_INVALID',
        message: expect.stringMatching(`^${name}: ${Object.keys(options).join()} is .*; expected `) as string,
      });
    },
  );
});
