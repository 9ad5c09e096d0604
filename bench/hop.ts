import { fileURLToPath } from 'node:url';
import type { HopPhase, HopResult, HopSetup, HopStart } from './hop/setup.js';
import { windowOf } from './hop/setup.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Effort, Sample } from './support/bench.js';
import { startDualRedis, startEmbedded, startOneRedis } from './support/brokers.js';
import type { BenchBroker } from './support/brokers.js';
import { startPair } from './support/pair.js';
import { quantile } from './support/statistics.js';

const fps = 30;

interface Peer {
  readonly name: string;
  start(): Promise<BenchBroker>;
}

const embedded = 'embedded';
const pairOverTcp = 'two Redises, TCP';

const peers: readonly Peer[] = [
  { name: embedded, start: startEmbedded },
  { name: pairOverTcp, start: () => startDualRedis('tcp') },
  { name: 'two Redises, unix sockets', start: () => startDualRedis('unix') },
  { name: 'one Redis, TCP', start: () => startOneRedis('tcp') },
];

/** The sizes besides the first, on which the target stands, get a share of the rounds. */
const sizes = [
  { name: '1080p rgb24, 6,220,800 bytes', frameBytes: 1920 * 1080 * 3, share: 1 },
  { name: '640x480 rgb24, 921,600 bytes', frameBytes: 640 * 480 * 3, share: 0.6 },
  { name: 'JPEG-sized, 60,000 bytes', frameBytes: 60_000, share: 0.6 },
] as const;

const paced = (size: string): string => `${size}, ${fps} frames/s, REALTIME: push to popLatest`;
const full = (size: string): string => `${size}, full speed, DURABLE: push to pop and ack`;

/** The way of a frame from one process to another. */
export const hop: Bench = {
  name: 'hop',
  about:
    'One producer process, one consumer process, on the brokers of EdgeFlow. Latency: from the call of push to the consumer holding ' +
    'all bytes. CPU: producer, consumer and servers together. Redis writes nothing to disk. Medians of the rounds (least–most).',

  async run({ rounds, seconds }: Effort, report) {
    for (const size of sizes)
      for (let round = 0; round < rounds * size.share; round++)
        for (const peer of rotated(peers, round)) for (const sample of await measure(peer, size, seconds)) report(sample);
  },

  targets(rows) {
    const p50 = (peer: string): number => figureOf(rows, paced(sizes[0].name), peer, 'p50 ms');
    return [
      {
        statement: `p50 of 1080p at ${fps} frames/s, ${pairOverTcp} over ${embedded}`,
        atLeast: 5,
        ratio: p50(pairOverTcp) / p50(embedded),
      },
    ];
  },
};

async function measure(peer: Peer, size: (typeof sizes)[number], seconds: number): Promise<Sample[]> {
  const broker = await peer.start();
  try {
    const pair = await startPair<HopSetup, HopPhase, HopStart, HopResult>({
      producer: fileURLToPath(new URL('./hop/producer.js', import.meta.url)),
      consumer: fileURLToPath(new URL('./hop/consumer.js', import.meta.url)),
      setup: { broker: broker.config, frameBytes: size.frameBytes },
      serverPids: broker.pids,
    });
    let phase = 0;
    const run = async (mode: HopPhase['mode'], frames: number): Promise<{ latencies: readonly number[]; ms: number; cpuMs: number }> => {
      const { produced, consumed, cpuMs } = await pair.run({ mode, frames, fps, phase: phase++ });
      return { latencies: consumed.latencies, ms: consumed.endMs - produced.startMs, cpuMs };
    };

    await run('paced', Math.ceil((fps * seconds) / 5));
    const live = await run('paced', Math.ceil(fps * seconds));
    const warmUp = await run('full', 4 * windowOf(size.frameBytes));
    const count = Math.ceil((4 * windowOf(size.frameBytes) * seconds * 1_000) / warmUp.ms);
    const archive = await run('full', count);
    await pair.stop();
    return [
      {
        scenario: paced(size.name),
        peer: peer.name,
        figures: {
          'p50 ms': quantile(live.latencies, 0.5),
          'p99 ms': quantile(live.latencies, 0.99),
          'CPU ms/frame': live.cpuMs / Math.ceil(fps * seconds),
          'skipped %': 100 * (1 - live.latencies.length / Math.ceil(fps * seconds)),
        },
      },
      {
        scenario: full(size.name),
        peer: peer.name,
        figures: {
          'frames/s': (count / archive.ms) * 1_000,
          'CPU ms/frame': archive.cpuMs / count,
          'p50 ms': quantile(archive.latencies, 0.5),
          'p99 ms': quantile(archive.latencies, 0.99),
        },
      },
    ];
  } finally {
    await broker.stop();
  }
}
