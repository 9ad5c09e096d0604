import { withCameras } from './hop/camera.js';
import type { Recording } from './hop/camera.js';
import { present } from './hop/figures.js';
import { dualTcp, embedded, zeromq } from './hop/peers.js';
import type { Peer } from './hop/peers.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Sample, Target } from './support/bench.js';
import { quantile } from './support/statistics.js';

const fps = 30;
const frameBytes = 640 * 480 * 3;
const audiences = [1, 2, 4] as const;
const most = audiences[2];
const peers: readonly Peer[] = [embedded, dualTcp, zeromq];

const scenario = (audience: number): string =>
  `640x480 rgb24, ${frameBytes.toLocaleString('en')} bytes, ${fps} frames/s, ${audience} REALTIME consumer${audience === 1 ? '' : 's'}`;
const cpu = 'producer CPU ms/frame';
const push = 'push p50 ms';
const stored = 'stored bytes a frame';

/** What a further consumer of the newest frames costs the camera. */
export const fanout: Bench = {
  name: 'fanout',
  about:
    'One producer process and one, two or four consumer processes, each a reader of its own that gets every frame it can take. Push: from ' +
    'its call until the bytes may be written again. Stored bytes: of the topic, by the frames that it keeps. ZeroMQ: PUB/SUB with CONFLATE, which ' +
    'sends each consumer a copy, from a thread of its own after the call returned. Medians of the rounds (least–most).',

  async run({ rounds, seconds }, report) {
    const here = present(peers, () => audiences.map(scenario), report);
    for (let round = 0; round < rounds; round++)
      for (const peer of rotated(here, round)) for (const sample of await measure(peer, round, seconds)) report(sample);
  },

  targets(rows) {
    const oneOverMost = (peer: Peer, figure: string): number =>
      figureOf(rows, scenario(1), peer.name, figure) / figureOf(rows, scenario(most), peer.name, figure);
    const target = (peer: Peer, figure: string, atLeast: number, limit: string): Target => ({
      statement: `${figure}, ${peer.name}: with one consumer over with ${most} (${limit})`,
      atLeast,
      ratio: oneOverMost(peer, figure),
    });
    return [embedded, dualTcp].flatMap((peer) => [
      target(peer, cpu, 0.87, '0.87 is 1.15 times the cost'),
      target(peer, stored, 1, '1 is no byte more'),
    ]);
  },
};

function measure(peer: Peer, round: number, seconds: number): Promise<Sample[]> {
  return withCameras(peer, async (startCamera) => {
    const camera = await startCamera({ audiences, maxFrameBytes: frameBytes });
    const run = (audience: number, ms: number): Promise<Recording> => camera.run({ read: 'newest', frameBytes, fps, ms, audience });
    for (const audience of audiences) await run(audience, seconds * 250);
    const samples: Sample[] = [];
    for (const audience of rotated(audiences, round)) {
      const figures = figuresOf(await run(audience, seconds * 500));
      samples.push({ scenario: scenario(audience), peer: peer.name, figures });
    }
    return samples;
  });
}

function figuresOf({ produced, consumed, cpu: { producerMs } }: Recording): Sample['figures'] {
  const latencies = consumed.flatMap((consumer) => consumer.latencies);
  return {
    [cpu]: producerMs / produced.frames,
    [push]: quantile(produced.pushMs, 0.5),
    'push p99 ms': quantile(produced.pushMs, 0.99),
    'p50 ms': quantile(latencies, 0.5),
    'skipped %': 100 * (1 - latencies.length / (produced.frames * consumed.length)),
    ...(produced.storedBytes !== undefined && { [stored]: produced.storedBytes }),
  };
}
