import { measureLoad } from './scale/measure.js';
import type { Load } from './scale/measure.js';
import { figureOf } from './support/bench.js';
import type { Bench, Effort } from './support/bench.js';
import { startDualRedis, startEmbedded } from './support/brokers.js';
import type { BenchBroker } from './support/brokers.js';

interface BrokerKind {
  readonly name: string;
  start(): Promise<BenchBroker>;
}

const embedded: BrokerKind = { name: 'embedded', start: startEmbedded };
const pair: BrokerKind = { name: 'two Redises, TCP', start: () => startDualRedis('tcp') };
const brokers = [embedded, pair];

/** Something that there is more and more of. */
interface Dimension {
  readonly scenario: string;
  readonly unit: string;
  readonly steps: readonly number[];
  load(step: number, seconds: number): Load;
}

const plain: Omit<Load, 'messages'> = { topics: 1, batch: 256, consumers: 1, payloadBytes: 0, pending: 0 };
const cameraFps = 10;
const small = (seconds: number): number => Math.ceil(Math.max(1_000, 10_000 * seconds));

const dimensions: readonly Dimension[] = [
  {
    scenario: `cameras: a topic each, JPEG-sized frames of 60,000 bytes, ${cameraFps} frames/s`,
    unit: 'cameras',
    steps: [1, 4, 16, 64],
    load: (topics, seconds) => {
      const perSecond = cameraFps * topics;
      return { ...plain, topics, batch: 1, payloadBytes: 60_000, perSecond, messages: Math.ceil(perSecond * seconds) };
    },
  },
  {
    scenario: 'replicas: clients of one group that compete for small messages',
    unit: 'replicas',
    steps: [1, 4, 16],
    load: (consumers, seconds) => ({ ...plain, consumers, messages: small(seconds) }),
  },
  {
    scenario: 'pending: small messages that wait while others pass behind them',
    unit: 'pending',
    steps: [1_000, 10_000, 100_000, 1_000_000],
    load: (pending, seconds) => ({ ...plain, pending, messages: small(seconds) }),
  },
  {
    scenario: 'topics: small messages, 16 to a topic in turn',
    unit: 'topics',
    steps: [1, 10, 100, 1_000],
    load: (topics, seconds) => ({ ...plain, topics, batch: 16, messages: small(seconds) }),
  },
];

/** What costs the most time is done once, on the embedded broker. */
const largestPending = 1_000_000;
const mostGrowth = 1.5;
const peerOf = (broker: BrokerKind, { unit }: Dimension, step: number): string => `${broker.name}, ${step.toLocaleString('en')} ${unit}`;

/** Whether more of something makes each message dearer. */
export const scale: Bench = {
  name: 'scale',
  about:
    'One producer process, one consumer process; every message is acknowledged. CPU of both and of the servers, for each message, while there is ' +
    'more and more of something. Replicas are clients of their own in the consumer process. Stored: what the files of the embedded ' +
    'store take up, or the memory of the servers. Medians of the rounds (least–most).',

  async run({ rounds, seconds, smoke }: Effort, report) {
    for (let round = 0; round < rounds; round++)
      for (const dimension of dimensions)
        for (const broker of brokers)
          for (const step of stepsOf(dimension, broker, round, smoke)) {
            const store = await broker.start();
            const figures = await measureLoad(store, dimension.load(step, seconds)).finally(store.stop);
            report({ scenario: dimension.scenario, peer: peerOf(broker, dimension, step), figures });
          }
  },

  targets: (rows) =>
    dimensions.flatMap((dimension) =>
      brokers.flatMap((broker) => {
        const cost = (step: number): number => figureOf(rows, dimension.scenario, peerOf(broker, dimension, step), 'CPU µs/message');
        const [first = NaN, ...more] = dimension.steps.filter((step) => !Number.isNaN(cost(step)));
        if (more.length === 0) return [];
        const growth = Math.max(...more.map((step) => cost(step) / cost(first)));
        const statement = `a growth of ${mostGrowth} over that of CPU/message, ${dimension.unit} from ${first} up, ${broker.name}`;
        return [{ statement, atLeast: 1, ratio: mostGrowth / growth }];
      }),
    ),
};

function stepsOf({ steps }: Dimension, broker: BrokerKind, round: number, smoke: boolean): readonly number[] {
  if (smoke) return broker === embedded ? steps.slice(1, 2) : steps.slice(0, 1);
  return steps.filter((step) => step < largestPending || (broker === embedded && round === 0));
}
