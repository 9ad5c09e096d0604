import { withCameras } from './hop/camera.js';
import type { Camera, Recording } from './hop/camera.js';
import { everyFigures, newestFigures, present } from './hop/figures.js';
import { dualTcp, dualUnix, embedded, ioredis, limit, oneTcp, redisPy, zeromq } from './hop/peers.js';
import type { Peer } from './hop/peers.js';
import { figureOf, isThere, rotated } from './support/bench.js';
import type { Bench, Effort, Sample } from './support/bench.js';

const fps = 30;
/** What compilers get warm with. */
const [warmBytes, warmFps, warmMs] = [60_000, 1_000, 2_000];
/** Less of it is no use: of a run that is to see that all runs, it would be most. */
const leastWarmMs = 300;
const peers: readonly Peer[] = [embedded, dualTcp, dualUnix, oneTcp, zeromq, ioredis, redisPy, limit];
/** With these there are two and four consumers, too, of the largest frames. */
const crowded: readonly Peer[] = [embedded, dualTcp, zeromq, limit];

/** The sizes besides the first, on which the targets stand, get a share of the rounds and of the time. */
const sizes = [
  { name: '1080p rgb24, 6,220,800 bytes', frameBytes: 1920 * 1080 * 3, shareOfRounds: 1, shareOfTime: 1 },
  { name: '640x480 rgb24, 921,600 bytes', frameBytes: 640 * 480 * 3, shareOfRounds: 0.6, shareOfTime: 0.4 },
  { name: 'JPEG-sized, 60,000 bytes', frameBytes: 60_000, shareOfRounds: 0.6, shareOfTime: 0.4 },
] as const;
type Size = (typeof sizes)[number];

/** What is measured with one size of frames: to how many consumers each, and, to one, every frame at full speed. */
interface Plan {
  readonly size: Size;
  readonly audiences: readonly number[];
}

const newest = ({ name }: Size, audience: number): string =>
  `${name}, ${fps} frames/s, the newest to ${audience === 1 ? 'one consumer' : `each of ${audience} consumers`}`;
const every = ({ name }: Size): string => `${name}, full speed, every frame to one consumer`;

/** The way of a frame from one process to another. */
export const hop: Bench = {
  name: 'hop',
  about:
    'One producer process, one to four consumer processes. Latency: from the call of push to the consumer holding all bytes. CPU: of all ' +
    'processes and servers. EdgeFlow: push to popLatest for the newest, push to pop and ack for every frame. ZeroMQ: PUB/SUB with ' +
    'CONFLATE, PUSH/PULL. By hand: a frame by SET, its id by XADD, no groups, no redelivery. The limit stores nothing and guards nothing. ' +
    'Redis writes nothing to disk. Medians of the rounds (least–most).',

  async run({ rounds, seconds, smoke }: Effort, report) {
    const planOf = (peer: Peer, round: number): Plan[] =>
      sizes
        .filter(({ shareOfRounds }, index) => round < rounds * shareOfRounds && !(smoke && index === 1))
        .map((size) => ({ size, audiences: crowded.includes(peer) && size === sizes[0] ? (smoke ? [1, 2] : [1, 2, 4]) : [1] }));
    const scenariosOf = (peer: Peer): string[] =>
      planOf(peer, 0).flatMap(({ size, audiences }) => [...audiences.map((audience) => newest(size, audience)), every(size)]);
    const here = present(peers, scenariosOf, report);
    for (let round = 0; round < rounds; round++)
      for (const peer of rotated(here, round)) for (const sample of await measure(peer, planOf(peer, round), seconds)) report(sample);
  },

  targets(rows) {
    const [size] = sizes;
    const figure = (peer: Peer, name: string): number => figureOf(rows, newest(size, 1), peer.name, name);
    const rate = (peer: Peer): number => figureOf(rows, every(size), peer.name, 'frames/s');
    const paced = `of 1080p at ${fps} frames/s`;
    const nearLimit = {
      statement: `p50 ${paced}, the limit over ${embedded.name} (0.67 is 1.5 times the limit)`,
      atLeast: 0.67,
      ratio: figure(limit, 'p50 ms') / figure(embedded, 'p50 ms'),
    };
    return [
      {
        statement: `p50 ${paced}, ${dualTcp.name} over ${embedded.name}`,
        atLeast: 8,
        ratio: figure(dualTcp, 'p50 ms') / figure(embedded, 'p50 ms'),
      },
      {
        statement: `p50 ${paced}, ${zeromq.name} over ${embedded.name}`,
        atLeast: 1,
        ratio: figure(zeromq, 'p50 ms') / figure(embedded, 'p50 ms'),
      },
      {
        statement: `CPU ${paced}, ${dualTcp.name} over ${embedded.name}`,
        atLeast: 8,
        ratio: figure(dualTcp, 'CPU ms/frame') / figure(embedded, 'CPU ms/frame'),
      },
      ...(isThere(rows, limit.name) ? [nearLimit] : []),
      { statement: `frames/s of 1080p, ${embedded.name} over ${dualTcp.name}`, atLeast: 10, ratio: rate(embedded) / rate(dualTcp) },
      { statement: `frames/s of 1080p, ${dualTcp.name} over ${ioredis.name}`, atLeast: 0.9, ratio: rate(dualTcp) / rate(ioredis) },
    ];
  },
};

function measure(peer: Peer, plans: readonly Plan[], seconds: number): Promise<Sample[]> {
  return withCameras(peer, async (startCamera) => {
    const camera = await startCamera({
      audiences: plans[0]?.audiences ?? [],
      maxFrameBytes: Math.max(...plans.map(({ size }) => size.frameBytes)),
    });
    const samples: Sample[] = [];
    for (const { size, audiences } of plans) {
      const { frameBytes } = size;
      const ms = seconds * 1_000 * size.shareOfTime;
      for (const audience of audiences) {
        const recording = await warm(camera, { read: 'newest', fps, frameBytes, audience, ms: (audience === 1 ? 0.6 : 0.3) * ms });
        samples.push({ scenario: newest(size, audience), peer: peer.name, figures: newestFigures(recording) });
      }
      const recording = await warm(camera, { read: 'every', frameBytes, audience: 1, ms: 0.4 * ms });
      samples.push({ scenario: every(size), peer: peer.name, figures: everyFigures(recording) });
    }
    return samples;
  });
}

/** The phase after many small frames and a short one like it: compilers, caches and pages are warm, as those of a camera that has run for a while. */
async function warm(camera: Camera, phase: Parameters<Camera['run']>[0]): Promise<Recording> {
  const small = { ...phase, frameBytes: warmBytes, ms: Math.min(warmMs, 2 * phase.ms) };
  if (small.ms >= leastWarmMs) await camera.run({ ...small, ...(phase.fps !== undefined && { fps: warmFps }) });
  await camera.run({ ...phase, ms: phase.ms / 4 });
  return camera.run(phase);
}
