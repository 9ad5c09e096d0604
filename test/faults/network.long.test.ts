import { expect, test } from 'vitest';
import { proxiedRedis } from '../support/proxiedRedis.js';
import { traffic } from '../support/traffic.js';
import { checkCuts } from './cuts.js';

const pair = proxiedRedis();

/** Calls a function once, after fifty messages. */
function once(fault: () => void): (acked: number) => void {
  let done = false;
  return (acked) => {
    if (done || acked < 50) return;
    done = true;
    fault();
  };
}

test('connections cut after any number of bytes, 150 runs', async () => {
  expect(await checkCuts(pair, 150)).toBeGreaterThan(150);
}, 300_000);

// A command that gets no byte of answer is given up after 10 s on the control plane, after 60 s on the data plane.
test.each(['control', 'data'] as const)(
  'half-open connections to %s: noticed by their silence, and made anew',
  async (plane) => {
    const { proxy } = pair[plane];
    const fault = (): void => proxy.halfOpen();
    await traffic({ producer: pair.client(), consumer: pair.client(), total: 300, onProgress: once(fault) });
  },
  150_000,
);

test('a network that swallows all for a while', async () => {
  const { proxy } = pair.control;
  const fault = (): void => {
    void proxy.blackhole();
    setTimeout(() => void proxy.normal(), 3_000);
  };
  await traffic({ producer: pair.client(), consumer: pair.client(), total: 300, onProgress: once(fault) });
}, 150_000);

test('connections refused for a while: calls wait', async () => {
  const { proxy } = pair.data;
  const fault = (): void => {
    void proxy.refuse();
    proxy.drop();
    setTimeout(() => void proxy.normal(), 3_000);
  };
  await traffic({ producer: pair.client(), consumer: pair.client(), total: 300, onProgress: once(fault) });
}, 60_000);
