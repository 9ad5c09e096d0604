import { measure, onBroker, onRedis } from './durable/measure.js';
import type { Peer } from './durable/measure.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Effort } from './support/bench.js';
import { startDualRedis, startSyncedEmbedded } from './support/brokers.js';
import { diskFileSystem, diskFolder } from './support/disk.js';
import { startRedis } from './support/redisServer.js';

const embedded = "embedded, durability 'power': push, pop, ack";
const pair = 'two Redises, TCP, appendfsync always: push, pop, ack';
const bare = 'bare ioredis, TCP, appendfsync always: XADD, XREADGROUP, XACK';

const peers: readonly Peer[] = [
  { name: embedded, driver: 'broker', start: () => onBroker(startSyncedEmbedded()) },
  { name: pair, driver: 'broker', start: () => onBroker(startDualRedis('tcp', 'synced')) },
  { name: bare, driver: 'stream', start: () => onRedis(startRedis('tcp', 'synced')) },
];

/** How many messages are sent before the producer waits. One shows the disk, many how well syncs are shared. */
const windows = [1, 16, 256] as const;
/** The window that a single round of a moment has time for. */
const smokeWindows = [16] as const;

const scenarioOf = (window: number): string => `small messages, synced to disk, each acknowledged; ${window} in flight`;

/** Small messages that outlast a loss of power. */
export const synced: Bench = {
  name: 'synced',
  about:
    'As durable, but nothing is confirmed before the disk has it. Redis: appendonly yes, appendfsync always. The file system is that of the ' +
    'folder for temporary files (host.disk in the results). Medians of the rounds (least–most).',

  async run({ rounds, seconds, smoke }: Effort, report) {
    const noDisk = diskFileSystem() === 'tmpfs' ? `${diskFolder()} is memory: let TMPDIR name a folder on a disk` : undefined;
    for (const window of smoke ? smokeWindows : windows)
      for (let round = 0; round < rounds; round++)
        for (const peer of rotated(peers, round)) {
          const sample = { scenario: scenarioOf(window), peer: peer.name };
          if (noDisk === undefined) report({ ...sample, figures: await measure(peer, window, seconds) });
          else report({ ...sample, figures: {}, missing: noDisk });
        }
  },

  targets(rows) {
    const rate = (window: number, peer: string): number => figureOf(rows, scenarioOf(window), peer, 'messages/s');
    const measured = windows.filter((window) => !Number.isNaN(rate(window, bare)));
    return measured.flatMap((window) => [
      {
        statement: `synced messages/s, embedded over bare ioredis, ${window} in flight`,
        atLeast: 1,
        ratio: rate(window, embedded) / rate(window, bare),
      },
      {
        statement: `synced messages/s, two Redises over bare ioredis, ${window} in flight`,
        atLeast: 0.9,
        ratio: rate(window, pair) / rate(window, bare),
      },
    ]);
  },
};
