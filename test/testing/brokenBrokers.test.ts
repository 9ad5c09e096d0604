import type { MemoryBroker } from 'edgeflow';
import type { BrokerHarness } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { checkHistories, checkLatestOnly } from '#src/testing/conformance/model.js';
import {
  AcksBeforeProcessing,
  LatestOneBehind,
  LatestRepeats,
  NoDedupe,
  SkipCountOffByOne,
  TrimsByLength,
  UnfencedAck,
} from '../fixtures/broken/brokers.js';

/** Stores of a broken broker, with as many runs as the property may take to catch it. */
function harnessOf(Broken: new () => MemoryBroker): BrokerHarness {
  return {
    independentClients: false,
    createStore: () => {
      const broker = new Broken();
      return Promise.resolve({ connect: () => Promise.resolve(broker), dispose: () => broker.close() });
    },
    runs: 1_000,
  };
}

describe('random histories catch a broker that', () => {
  test.each([
    ['acks before processing', AcksBeforeProcessing],
    ['trims by length', TrimsByLength],
    ['does not dedupe', NoDedupe],
    ['does not fence', UnfencedAck],
  ])('%s', async (_, Broken) => {
    await expect(checkHistories(harnessOf(Broken))).rejects.toThrow(/Property failed after \d+ tests/);
  });
});

describe('latest-only catches a broker that', () => {
  test.each([
    ['repeats the latest', LatestRepeats],
    ['is one behind', LatestOneBehind],
    ['counts skips off by one', SkipCountOffByOne],
  ])('%s', async (_, Broken) => {
    await expect(checkLatestOnly(harnessOf(Broken))).rejects.toThrow(/Property failed after \d+ tests/);
  });
});
