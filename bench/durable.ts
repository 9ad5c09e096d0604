import { fileURLToPath } from 'node:url';
import { batchSize } from './durable/driver.js';
import type { DriverName, DurablePhase, DurableSetup, DurableTime } from './durable/driver.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Effort, Sample } from './support/bench.js';
import { startDualRedis, startEmbedded } from './support/brokers.js';
import type { BenchBroker } from './support/brokers.js';
import { startPair } from './support/pair.js';
import { startRedis } from './support/redisServer.js';
import type { Transport } from './support/redisServer.js';

/** What stands between the two processes of one measurement. */
interface Middle {
  readonly setup: Omit<DurableSetup, 'driver'>;
  readonly pids: readonly number[];
  readonly stop: () => Promise<void>;
}

interface Peer {
  readonly name: string;
  readonly driver: DriverName;
  start(): Promise<Middle>;
}

const scenario = 'small messages, each acknowledged';
const embedded = 'embedded: push, pop, ack';
const overUnix = 'two Redises, unix sockets: push, pop, ack';
const overTcp = 'two Redises, TCP: push, pop, ack';
const bullmq50 = 'BullMQ, TCP: concurrency 50';

const peers: readonly Peer[] = [
  { name: embedded, driver: 'broker', start: () => onBroker(startEmbedded()) },
  { name: 'embedded: toBroker, fromBroker', driver: 'flow', start: () => onBroker(startEmbedded()) },
  { name: overUnix, driver: 'broker', start: () => onBroker(startDualRedis('unix')) },
  { name: overTcp, driver: 'broker', start: () => onBroker(startDualRedis('tcp')) },
  { name: 'two Redises, TCP: toBroker, fromBroker', driver: 'flow', start: () => onBroker(startDualRedis('tcp')) },
  { name: 'bare ioredis, TCP: XADD, XREADGROUP, XACK', driver: 'stream', start: () => onRedis('tcp') },
  { name: 'BullMQ, TCP: concurrency 1', driver: 'bullmq', start: () => onRedis('tcp', 1) },
  { name: bullmq50, driver: 'bullmq', start: () => onRedis('tcp', 50) },
  { name: 'BullMQ, unix socket: concurrency 50', driver: 'bullmq', start: () => onRedis('unix', 50) },
];

/** Small messages that must all arrive. */
export const durable: Bench = {
  name: 'durable',
  about:
    `One producer process, one consumer process; objects of about 110 bytes of JSON, sent in batches of ${batchSize} (BullMQ: addBulk), read and ` +
    `acknowledged in batches of at most ${batchSize} by all but BullMQ. From the first send to the last acknowledgement, each message checked to ` +
    'come once. CPU: producer, consumer and servers together. Redis writes nothing to disk. Medians of the rounds (least–most).',

  async run({ rounds, seconds }: Effort, report) {
    for (let round = 0; round < rounds; round++) for (const peer of rotated(peers, round)) report(await measure(peer, seconds));
  },

  targets(rows) {
    const rate = (peer: string): number => figureOf(rows, scenario, peer, 'messages/s');
    return [embedded, overUnix, overTcp].map((peer) => ({
      statement: `messages/s, ${peer}, over ${bullmq50}`,
      atLeast: 5,
      ratio: rate(peer) / rate(bullmq50),
    }));
  },
};

async function onBroker(started: Promise<BenchBroker>): Promise<Middle> {
  const { config, pids, stop } = await started;
  return { setup: { broker: config }, pids, stop };
}

async function onRedis(transport: Transport, concurrency?: number): Promise<Middle> {
  const { address, pid, stop } = await startRedis(transport);
  return { setup: { redis: address, ...(concurrency !== undefined && { concurrency }) }, pids: [pid], stop };
}

async function measure(peer: Peer, seconds: number): Promise<Sample> {
  const middle = await peer.start();
  try {
    const pair = await startPair<DurableSetup, DurablePhase, DurableTime, DurableTime>({
      producer: fileURLToPath(new URL('./durable/producer.js', import.meta.url)),
      consumer: fileURLToPath(new URL('./durable/consumer.js', import.meta.url)),
      setup: { driver: peer.driver, ...middle.setup },
      serverPids: middle.pids,
    });
    // Compilers and caches get warm, and the rate tells how many messages take the time that there is.
    const counts = [batchSize * Math.ceil(8 * Math.min(1, seconds))];
    let figures: Sample['figures'] = {};
    for (let phase = 0; phase < 3; phase++) {
      const count = counts[phase] ?? batchSize;
      const { produced, consumed, cpuMs } = await pair.run({ phase, count });
      const rate = (count / (consumed.ms - produced.ms)) * 1_000;
      counts.push(Math.ceil(rate * (phase === 0 ? Math.min(1, seconds) : seconds)));
      figures = { 'messages/s': rate, 'CPU µs/message': (cpuMs / count) * 1_000 };
    }
    await pair.stop();
    return { scenario, peer: peer.name, figures };
  } finally {
    await middle.stop();
  }
}
