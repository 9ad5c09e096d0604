import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DualRedisBroker, EmbeddedBroker, RedisBroker } from 'edgeflow';
import type { Broker, BrokerConfig } from 'edgeflow';
import { diskFolder } from './disk.js';
import { startRedis, usedMemory } from './redisServer.js';
import type { Persistence, Transport } from './redisServer.js';

/** A fresh, empty broker for one measurement. */
export interface BenchBroker {
  /** From this the producer and the consumer make their own clients. */
  readonly config: BrokerConfig;
  /** Servers, whose CPU counts. */
  readonly pids: readonly number[];
  /** Bytes that the store takes up: of its files on disk, or of its servers' memory. */
  readonly storedBytes: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

export async function startEmbedded(): Promise<BenchBroker> {
  return onDirectory(new EmbeddedBroker({ name: `bench-${randomBytes(6).toString('hex')}` }));
}

/** On disk, synced before a push resolves. */
export async function startSyncedEmbedded(): Promise<BenchBroker> {
  const directory = await mkdtemp(join(diskFolder(), 'edgeflow-bench-'));
  return onDirectory(new EmbeddedBroker({ directory, durability: 'power' }));
}

async function onDirectory(broker: Broker): Promise<BenchBroker> {
  const config = await configOf(broker);
  const directory = String(config.options.directory);
  return {
    config,
    pids: [],
    storedBytes: () => allocatedBytes(directory),
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}

export async function startDualRedis(transport: Transport, persistence: Persistence = 'none'): Promise<BenchBroker> {
  const control = await startRedis(transport, persistence);
  const data = await startRedis(transport, persistence);
  return {
    config: await configOf(new DualRedisBroker({ control: control.address, data: data.address })),
    pids: [control.pid, data.pid],
    storedBytes: async () => (await usedMemory(control.address)) + (await usedMemory(data.address)),
    stop: async () => {
      await control.stop();
      await data.stop();
    },
  };
}

export async function startOneRedis(transport: Transport): Promise<BenchBroker> {
  const server = await startRedis(transport);
  return {
    config: await configOf(new RedisBroker({ server: server.address })),
    pids: [server.pid],
    storedBytes: () => usedMemory(server.address),
    stop: () => server.stop(),
  };
}

/** What a folder's files take up: a file with holes is larger than that. */
async function allocatedBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) bytes += (await stat(join(folder, name))).blocks * 512;
  return bytes;
}

async function configOf(broker: Broker): Promise<BrokerConfig> {
  const config = await broker.open();
  await broker.close();
  if (!config) throw new Error(`the ${broker.kind} broker lives in one process only: it can't be measured between two`);
  return config;
}
