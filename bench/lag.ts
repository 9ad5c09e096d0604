import { withCameras } from './hop/camera.js';
import { everyFigures } from './hop/figures.js';
import { dualTcp, embedded, inStream, oneTcp } from './hop/peers.js';
import type { Peer } from './hop/peers.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Sample } from './support/bench.js';
import { quantile } from './support/statistics.js';

const messageBytes = 110;
const messagesPerSecond = 100;
const frameBytes = 1920 * 1080 * 3;
const peers: readonly Peer[] = [embedded, dualTcp, oneTcp, inStream];

const scenario = `${messagesPerSecond} messages/s of ${messageBytes} bytes beside 1080p rgb24 at full speed, every one of both to one consumer`;
const [p50, p99, video] = ['message p50 ms', 'message p99 ms', 'video frames/s'] as const;

/** What small messages suffer from video on the same broker. */
export const lag: Bench = {
  name: 'lag',
  about:
    'Four processes: a camera and the consumer of all its frames, as fast as they go; a producer of small messages and their consumer, on ' +
    'another topic of the same broker. Latency of a message: from the call of push to its consumer having it. EdgeFlow: push, pop, ack. By ' +
    'hand: XADD with the bytes in the entry, XREAD, XDEL. Redis writes nothing to disk. Medians of the rounds (least–most).',

  async run({ rounds, seconds }, report) {
    for (let round = 0; round < rounds; round++) for (const peer of rotated(peers, round)) report(await measure(peer, seconds));
  },

  targets(rows) {
    const figure = (peer: Peer, name: string): number => figureOf(rows, scenario, peer.name, name);
    const least = (name: string): number => Math.min(...[dualTcp, oneTcp, inStream].map((peer) => figure(peer, name)));
    const mostVideo = Math.max(...[dualTcp, oneTcp, inStream].map((peer) => figure(peer, video)));
    return [
      { statement: `${p50}, ${inStream.name} over ${dualTcp.name}`, atLeast: 1.8, ratio: figure(inStream, p50) / figure(dualTcp, p50) },
      { statement: `${p50}, the best on Redis over ${embedded.name}`, atLeast: 2, ratio: least(p50) / figure(embedded, p50) },
      { statement: `${p99}, the best on Redis over ${embedded.name}`, atLeast: 2, ratio: least(p99) / figure(embedded, p99) },
      { statement: `${video}, ${embedded.name} over the best on Redis`, atLeast: 5, ratio: figure(embedded, video) / mostVideo },
    ];
  },
};

function measure(peer: Peer, seconds: number): Promise<Sample> {
  return withCameras(peer, async (startCamera) => {
    const camera = await startCamera({ audiences: [], maxFrameBytes: frameBytes, everyTopic: 'frames' });
    const messages = await startCamera({ audiences: [], maxFrameBytes: messageBytes, everyTopic: 'messages' });
    const run = async (ms: number): Promise<Sample['figures']> => {
      const [frames, small] = await Promise.all([
        camera.run({ read: 'every', frameBytes, ms, audience: 1 }),
        messages.run({ read: 'every', frameBytes: messageBytes, fps: messagesPerSecond, ms, audience: 1 }),
      ]);
      const latencies = small.consumed.flatMap((consumer) => consumer.latencies);
      return { [p50]: quantile(latencies, 0.5), [p99]: quantile(latencies, 0.99), [video]: everyFigures(frames)['frames/s'] ?? NaN };
    };
    await run(seconds * 250);
    return { scenario, peer: peer.name, figures: await run(seconds * 1_000) };
  });
}
