import { withCameras } from './hop/camera.js';
import type { Recording } from './hop/camera.js';
import { present } from './hop/figures.js';
import { dualTcp, embedded, redisPy, zeromq } from './hop/peers.js';
import type { Peer } from './hop/peers.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Sample } from './support/bench.js';
import { quantile } from './support/statistics.js';

const fps = 200;
const intervalMs = 1_000 / fps;
const workMs = 50;
const frameBytes = 60_000;
const peers: readonly Peer[] = [embedded, dualTcp, redisPy, zeromq];

const idle = `JPEG-sized, 60,000 bytes, ${fps} frames/s, no work: one hop`;
const busy = `JPEG-sized, 60,000 bytes, ${fps} frames/s, ${workMs} ms of work on each frame`;

/** How old a frame is when a slow consumer starts to work on it. */
export const latest: Bench = {
  name: 'latest',
  about:
    `One producer process that makes ${fps} frames a second, one consumer process that does nothing else while it works on one. Age: from ` +
    'the call of push to the start of the work, with all bytes there. EdgeFlow: popLatest. By hand: XREVRANGE COUNT 1, XREAD BLOCK where ' +
    'that is not new, then GET. ZeroMQ: PUB/SUB with CONFLATE. Medians of the rounds (least–most).',

  async run({ rounds, seconds }, report) {
    const here = present(peers, () => [idle, busy], report);
    for (let round = 0; round < rounds; round++)
      for (const peer of rotated(here, round)) for (const sample of await measure(peer, seconds)) report(sample);
  },

  targets(rows) {
    return [embedded, dualTcp].map(({ name }) => ({
      statement: `one interval of the camera (${intervalMs} ms) and one hop, over the p50 of the age, ${name}`,
      atLeast: 1,
      ratio: (intervalMs + figureOf(rows, idle, name, 'age p50 ms')) / figureOf(rows, busy, name, 'age p50 ms'),
    }));
  },
};

function measure(peer: Peer, seconds: number): Promise<Sample[]> {
  return withCameras(peer, async (startCamera) => {
    const camera = await startCamera({ audiences: [1], maxFrameBytes: frameBytes });
    const run = (work: number, ms: number): Promise<Recording> =>
      camera.run({ read: 'newest', frameBytes, fps, ms, audience: 1, workMs: work });
    await run(0, seconds * 250);
    const hop = await run(0, seconds * 250);
    const working = await run(workMs, seconds * 1_000);
    return [
      { scenario: idle, peer: peer.name, figures: agesOf(hop) },
      { scenario: busy, peer: peer.name, figures: agesOf(working) },
    ];
  });
}

function agesOf({ produced, consumed }: Recording): Sample['figures'] {
  const ages = consumed.flatMap(({ latencies }) => latencies);
  return {
    'age p50 ms': quantile(ages, 0.5),
    'age p99 ms': quantile(ages, 0.99),
    'frames taken': ages.length,
    'skipped %': 100 * (1 - ages.length / produced.frames),
  };
}
