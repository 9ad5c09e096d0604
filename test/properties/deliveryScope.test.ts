import { toBroker } from 'edgeflow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { edgeflowOperators, stepsArbitrary } from '#src/testing/pipelines/steps.js';
import type { PipelineOperators } from '#src/testing/pipelines/steps.js';
import { forgetfulBatch } from '../fixtures/broken/forgetfulBatch.js';
import { hastyMapAsync } from '../fixtures/broken/hastyMapAsync.js';
import { hastyOutbox } from '../fixtures/broken/hastyOutbox.js';
import { silentLatestMap } from '../fixtures/broken/silentLatestMap.js';
import { faults, outputFaults, runPipeline } from './pipelines.js';
import type { Case } from './pipelines.js';

const count = fc.integer({ min: 1, max: 40 });
// Not 1: strict order hands out nothing while a message waits in a bufferCount.
const prefetch = fc.constantFrom(2, 4, 64);
const failures = (times: fc.Arbitrary<number>) =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: 39 }), times), { maxLength: 8 }).map((entries) => new Map(entries));

/** Failures of asynchronous work only, and no unsubscribe: which deliveries fail is fully determined. */
const calm: fc.Arbitrary<Case> = fc.record({
  steps: stepsArbitrary({ syncFailures: false }),
  count,
  prefetch,
  failures: failures(fc.constantFrom(1, 2, Infinity)),
  maxDeliveries: fc.constant(3),
  cuts: fc.constant([]),
});

/** With streams that end in an error, and subscriptions that are cut off. */
const stormy: fc.Arbitrary<Case> = fc.record({
  steps: stepsArbitrary({ syncFailures: true }),
  count,
  prefetch,
  failures: failures(fc.constantFrom(1, 2)),
  maxDeliveries: fc.constant(1_000),
  cuts: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 5 }),
});

describe('every delivery of any pipeline settles exactly once, and as its branches ended', () => {
  test('in one subscription', async () => {
    await fc.assert(
      fc.asyncProperty(calm, async (example) => {
        const report = await runPipeline(example);
        expect(faults(report, true)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('across unsubscribes and streams that end in an error, and nothing is lost or given up', async () => {
    await fc.assert(
      fc.asyncProperty(stormy, async (example) => {
        const report = await runPipeline(example);
        expect(faults(report, false)).toEqual([]);
        expect(report.dead).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('each output of any pipeline is published once, with the acks of its deliveries, or not at all', () => {
  const operators = { ...edgeflowOperators, outbox: toBroker };

  test('in one subscription', async () => {
    await fc.assert(
      fc.asyncProperty(calm, async (example) => {
        const report = await runPipeline(example, operators);
        expect([...faults(report, true), ...outputFaults(report)]).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('across unsubscribes and streams that end in an error', async () => {
    await fc.assert(
      fc.asyncProperty(stormy, async (example) => {
        const report = await runPipeline(example, operators);
        expect([...faults(report, false), ...outputFaults(report)]).toEqual([]);
        expect(report.dead).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['in one subscription', calm],
    ['across unsubscribes', stormy],
  ])('which finds an outbox that publishes at once and acks later, %s', async (_, cases) => {
    const { failed } = await fc.check(
      fc.asyncProperty(cases, async (example) => {
        const report = await runPipeline(example, { ...edgeflowOperators, outbox: hastyOutbox });
        expect(outputFaults(report)).toEqual([]);
      }),
      { numRuns: 300, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });
});

describe('the property finds', () => {
  test.each<[string, Partial<PipelineOperators>]>([
    ['a mapAsync that releases before the work is done', { mapAsync: hastyMapAsync }],
    ['a batch that forgets a lease', { batch: forgetfulBatch }],
    ['a latestMap that swallows failures', { latestMap: silentLatestMap }],
  ])('%s', async (_, broken) => {
    const operators = { ...edgeflowOperators, ...broken };
    const { failed } = await fc.check(
      fc.asyncProperty(calm, async (example) => {
        const report = await runPipeline(example, operators, 500);
        expect(faults(report, true)).toEqual([]);
      }),
      { numRuns: 300, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });
});
