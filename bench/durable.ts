import { batchSize } from './durable/driver.js';
import { measure, onBroker, onRedis } from './durable/measure.js';
import type { Peer } from './durable/measure.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Effort, Target } from './support/bench.js';
import { startDualRedis, startEmbedded } from './support/brokers.js';
import { startRedis } from './support/redisServer.js';

const scenario = 'small messages, each acknowledged';
const embedded = 'embedded: push, pop, ack';
const overUnix = 'two Redises, unix sockets: push, pop, ack';
const overTcp = 'two Redises, TCP: push, pop, ack';
const bareTcp = `bare ioredis, TCP: XADD, XREADGROUP COUNT ${batchSize}, XACK`;
const bareUnix = `bare ioredis, unix socket: XADD, XREADGROUP COUNT ${batchSize}, XACK`;
const bullmq50 = 'BullMQ, TCP: concurrency 50';
const bullmq50Unix = 'BullMQ, unix socket: concurrency 50';

const peers: readonly Peer[] = [
  { name: embedded, driver: 'broker', start: () => onBroker(startEmbedded()) },
  { name: 'embedded: toBroker, fromBroker', driver: 'flow', start: () => onBroker(startEmbedded()) },
  { name: overUnix, driver: 'broker', start: () => onBroker(startDualRedis('unix')) },
  { name: overTcp, driver: 'broker', start: () => onBroker(startDualRedis('tcp')) },
  { name: 'two Redises, TCP: toBroker, fromBroker', driver: 'flow', start: () => onBroker(startDualRedis('tcp')) },
  { name: bareTcp, driver: 'stream', start: () => onRedis(startRedis('tcp')) },
  { name: bareUnix, driver: 'stream', start: () => onRedis(startRedis('unix')) },
  { name: 'BullMQ, TCP: concurrency 1', driver: 'bullmq', start: () => onRedis(startRedis('tcp'), 1) },
  { name: bullmq50, driver: 'bullmq', start: () => onRedis(startRedis('tcp'), 50) },
  { name: bullmq50Unix, driver: 'bullmq', start: () => onRedis(startRedis('unix'), 50) },
];

/** Small messages that must all arrive. */
export const durable: Bench = {
  name: 'durable',
  about:
    `One producer process, one consumer process; objects of about 110 bytes of JSON, sent in batches of ${batchSize} (BullMQ: addBulk), read and ` +
    `acknowledged in batches of at most ${batchSize} by all but BullMQ. From the first send to the last acknowledgement, each message checked to ` +
    'come once. CPU: producer, consumer and servers together. Redis writes nothing to disk. Medians of the rounds (least–most).',

  async run({ rounds, seconds }: Effort, report) {
    for (let round = 0; round < rounds; round++)
      for (const peer of rotated(peers, round)) report({ scenario, peer: peer.name, figures: await measure(peer, batchSize, seconds) });
  },

  targets(rows) {
    const rate = (peer: string): number => figureOf(rows, scenario, peer, 'messages/s');
    const over = (peer: string, other: string, atLeast: number): Target => ({
      statement: `messages/s, ${peer}, over ${other}`,
      atLeast,
      ratio: rate(peer) / rate(other),
    });
    return [
      over(embedded, bullmq50, 10),
      over(overUnix, bullmq50Unix, 10),
      over(overTcp, bullmq50, 10),
      over(overUnix, bareUnix, 0.7),
      over(overTcp, bareTcp, 0.7),
    ];
  },
};
