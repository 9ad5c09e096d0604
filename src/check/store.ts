import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Broker } from '../brokers/broker.js';
import { sharedMemoryFolder } from '../brokers/embedded/directory.js';
import { EmbeddedBroker } from '../brokers/embedded/embeddedBroker.js';
import { connectionOptions } from '../brokers/redis/endpoint.js';
import type { RedisAddress } from '../brokers/redis/endpoint.js';
import { startLocalPair } from '../brokers/redis/localPair.js';
import { DualRedisBroker } from '../brokers/redis/redisBroker.js';

/** A store of one run alone. */
export interface TemporaryStore {
  /** A new client. */
  connect(): Broker;
  /** Kills the servers with SIGKILL and waits until they are back; absent where there are none. */
  readonly restart?: () => Promise<void>;
  /** Deletes it. */
  dispose(): Promise<void>;
}

export type StoreKind = 'embedded' | 'redis';

/** Short, so that a pause within a run may be long enough for a consumer to be taken for dead. */
const visibilityMs = 3_000;

/** Makes an empty store: an embedded one in a folder of its own, or a pair of Redis servers. */
export async function temporaryStore(kind: StoreKind): Promise<TemporaryStore> {
  return kind === 'redis' ? redisStore() : embeddedStore();
}

function embeddedStore(): TemporaryStore {
  const directory = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'edgeflow-check-'));
  return {
    connect: () => new EmbeddedBroker({ directory, visibilityMs }),
    dispose: () => {
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

async function redisStore(): Promise<TemporaryStore> {
  const pair = await startLocalPair({});
  const { control, data } = pair;
  return {
    connect: () => new DualRedisBroker({ control, data, visibilityMs }),
    restart: async () => {
      await Promise.all([control, data].map(restartServer));
    },
    dispose: async () => {
      await pair.stop?.();
    },
  };
}

/** Kills a server of a local pair; the pair itself starts it again. */
async function restartServer(server: RedisAddress): Promise<void> {
  const { Redis: Client } = await import('ioredis');
  const client = new Client({ ...connectionOptions(server), maxRetriesPerRequest: null, retryStrategy: () => 20 });
  // It is killed on purpose: the connection is lost and comes back.
  client.on('error', () => undefined);
  try {
    const pid = await serverPid(client);
    process.kill(pid, 'SIGKILL');
    while ((await serverPid(client)) === pid) await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    client.disconnect();
  }
}

async function serverPid(client: Redis): Promise<number> {
  const [, pid] = /^process_id:(\d+)/m.exec(await client.info('server')) ?? [];
  return Number(pid);
}
