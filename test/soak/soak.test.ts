import { expect, test } from 'vitest';
import { brokenIn } from './report.js';
import { soak } from './soak.js';

/** The soak in short: `npm run soak` is the same with more of everything. */
test.concurrent.each(['embedded', 'redis'] as const)('3,000 messages and a handful of faults on %s', async (broker) => {
  const result = await soak({
    broker,
    messages: 3_000,
    perSecond: 800,
    faultsEveryMs: 700,
    calm: 0.3,
    mostFaults: 6,
    seed: 7,
    killSupervisor: broker === 'embedded',
    visibilityMs: 1_000,
    longestPauseMs: 1_500,
  });
  expect(brokenIn(result)).toEqual([]);
  expect(result.faults.length).toBe(6);
});
