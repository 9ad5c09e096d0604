import type { FaultDirection } from 'edgeflow/testing';
import fc from 'fast-check';
import type { ProxiedRedis } from '../support/proxiedRedis.js';
import { traffic } from '../support/traffic.js';

interface Cut {
  readonly plane: 'control' | 'data';
  readonly direction: FaultDirection;
  readonly bytes: number;
}

const cut: fc.Arbitrary<Cut> = fc.record({
  plane: fc.constantFrom('control', 'data'),
  direction: fc.constantFrom('toClient', 'toServer'),
  // A few bytes more than the last cut, or well into a batch.
  bytes: fc.oneof(fc.nat(40), fc.nat(8_000)),
});

/** Makes one cut after the other, until it is told that it is over; returns how many there were. */
async function makeCuts(pair: ProxiedRedis, cuts: readonly Cut[], over: AbortSignal): Promise<number> {
  let made = 0;
  over.addEventListener('abort', () => {
    for (const { proxy } of [pair.control, pair.data]) proxy.cancelCut();
  });
  for (const { plane, ...options } of cuts) {
    if (over.aborted) break;
    if (await pair[plane].proxy.cutAfter(options)) made++;
  }
  return made;
}

/**
 * Property: wherever connections are cut, in the middle of requests and replies, nothing is lost and nothing counted twice.
 *
 * @returns how many cuts there were.
 */
export async function checkCuts(pair: ProxiedRedis, runs: number): Promise<number> {
  let total = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { minLength: 3, maxLength: 8 }), async (cuts) => {
      const over = new AbortController();
      const made = makeCuts(pair, cuts, over.signal);
      try {
        await traffic({ producer: pair.client(), consumer: pair.client(), total: 150 });
      } finally {
        over.abort();
        total += await made;
        await pair.clear();
      }
    }),
    { numRuns: runs },
  );
  return total;
}
