import type { ExpectStatic } from 'vitest';
import { brokenIn } from './report.js';
import { soak } from './soak.js';

/** The soak in short: `npm run soak` is the same with more of everything. */
export async function shortSoak(broker: 'embedded' | 'redis', messages: number, expect: ExpectStatic, signal: AbortSignal): Promise<void> {
  const result = await soak({
    broker,
    messages,
    perSecond: 800,
    faultsEveryMs: 700,
    mostFaults: 6,
    calm: 0.3,
    seed: 7,
    killSupervisor: broker === 'embedded',
    visibilityMs: 1_000,
    longestPauseMs: 1_500,
    signal,
  });
  expect(brokenIn(result)).toEqual([]);
  expect(result.faults.length).toBeGreaterThanOrEqual(1);
}
