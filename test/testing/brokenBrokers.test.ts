import type { MemoryBroker } from 'edgeflow';
import { describe, expect, test } from 'vitest';
import { checkHistories } from '#src/testing/conformance/model.js';
import { contract } from '#src/testing/contract/index.js';
import { prove } from '#src/testing/contract/prove.js';
import { memoryHarness } from '../brokers/memory/harness.js';
import * as broken from '../fixtures/broken/brokers.js';

/** As many runs as a property may take to catch a broken broker, and no patience: what is lost never comes. */
const settings = { runs: 1_000, patienceMs: 150 };

type BrokenBroker = new () => MemoryBroker;

const caughtBy: readonly (readonly [line: string, what: string, Broken: BrokenBroker])[] = [
  ['D1', 'acks before processing', broken.AcksBeforeProcessing],
  ['D1', 'trims by length', broken.TrimsByLength],
  ['D1', 'never delivers again what a dead consumer had', broken.NoPendingRecovery],
  ['D2', 'does not dedupe', broken.NoDedupe],
  ['D3', 'publishes first and acks later', broken.CommitsInTwoSteps],
  ['D5', 'does not fence', broken.UnfencedAck],
  ['D6', 'hands out newer messages before a retry', broken.ForgetsOrder],
  ['D7', 'writes dead letters twice', broken.DeadLetterTwice],
  ['D7', 'does not back off', broken.NoBackoff],
  ['D8', 'forgets the slowest group', broken.ForgetsSlowestGroup],
  ['D9', 'never frees', broken.FreesTooLate],
  ['D10', 'takes every push', broken.NoBackPressure],
  ['D10', 'drops when full', broken.DropsWhenFull],
  ['D12', 'lets payloads expire', broken.BlobsExpire],
  ['D12', 'turns bits', broken.TurnsBits],
  ['R1', 'repeats the latest', broken.LatestRepeats],
  ['R1', 'goes back', broken.LatestGoesBack],
  ['R2', 'is one behind', broken.LatestOneBehind],
  ['R3', 'counts skips off by one', broken.SkipCountOffByOne],
  ['R4', 'keeps old messages for readers', broken.KeepsOldForReaders],
  ['R5', 'waits for the slowest', broken.WaitsForTheSlowest],
  ['R6', 'hands out empty messages', broken.EmptyWhenGone],
];

describe('the contract catches a broker that', () => {
  test.each(caughtBy)('%s: %s', async (name, _, Broken) => {
    const line = contract.find((candidate) => candidate.name === name);
    if (!line) throw new Error(`the contract has no line ${name}`);
    // With the seed and the shrunk case, which begin like this.
    await expect(prove({ ...line, share: 1 }, memoryHarness(Broken, settings))).rejects.toThrow(
      /Property failed after \d+ tests\n\{ seed: /,
    );
  });

  test('every broken broker is caught', () => {
    expect(new Set(caughtBy.map(([, , Broken]) => Broken))).toEqual(new Set(Object.values(broken)));
  });
});

describe('random histories against the model catch a broker that', () => {
  test.each([
    ['acks before processing', broken.AcksBeforeProcessing],
    ['does not dedupe', broken.NoDedupe],
    ['does not fence', broken.UnfencedAck],
    ['publishes first and acks later', broken.CommitsInTwoSteps],
    ['repeats the latest', broken.LatestRepeats],
    ['is one behind', broken.LatestOneBehind],
    ['counts skips off by one', broken.SkipCountOffByOne],
    ['forgets the slowest group', broken.ForgetsSlowestGroup],
  ] as const)('%s', async (_, Broken) => {
    await expect(checkHistories(memoryHarness(Broken, settings))).rejects.toThrow(/Property failed after \d+ tests/);
  });
});
