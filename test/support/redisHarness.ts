import type { BrokerHarness, BrokerStore } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import type { Broker } from '#src/brokers/broker.js';
import type { RedisEndpoint } from '#src/brokers/redis/endpoint.js';
import type { RedisClientOptions } from '#src/brokers/redis/redisBrokerBase.js';
import type { TestRedis } from './redisServer.js';
import { turnBit } from './turnBit.js';

/** Empties servers of a test. */
export async function flush(servers: readonly TestRedis[]): Promise<void> {
  for (const { endpoint } of servers) {
    const client = new Redis({ ...endpoint });
    await client.flushall();
    client.disconnect();
  }
}

/** Does something with the keys of all payloads on the data plane, which is the last server. */
async function withPayloads<R>(servers: readonly TestRedis[], work: (data: Redis, keys: readonly string[]) => Promise<R>): Promise<R> {
  const data = new Redis({ ...servers.at(-1)?.endpoint });
  try {
    return await work(data, (await data.keys('edgeflow:blob:*')).sort());
  } finally {
    data.disconnect();
  }
}

/** What servers suffer and get over. */
function faultsOf(servers: () => readonly TestRedis[]): Readonly<Record<string, () => Promise<void>>> {
  const command = async (server: TestRedis, ...[name, ...args]: [string, ...string[]]): Promise<void> => {
    const client = new Redis({ ...server.endpoint });
    await client.call(name, ...args).catch(() => undefined);
    client.disconnect();
  };
  const each = (act: (server: TestRedis) => Promise<void>) => async () => {
    await Promise.all(servers().map(act));
  };
  return {
    'kill and restart the control server': async () => {
      const [control] = servers();
      await control?.kill();
      await control?.start();
    },
    'kill and restart the data server': async () => {
      const data = servers().at(-1);
      await data?.kill();
      await data?.start();
    },
    'cut all connections': each((server) => command(server, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
    'pause the servers': each((server) => command(server, 'CLIENT', 'PAUSE', '50', 'ALL')),
    'forget all scripts': each((server) => command(server, 'SCRIPT', 'FLUSH')),
  };
}

/** A harness on running servers: one store at a time, emptied when it is disposed of. */
export function redisHarness(
  servers: () => readonly TestRedis[],
  make: (endpoints: readonly RedisEndpoint[], options: RedisClientOptions) => Broker,
): BrokerHarness {
  return {
    independentClients: true,
    processes: true,
    createStore: (options = {}): Promise<BrokerStore> => {
      const clients: Broker[] = [];
      return Promise.resolve({
        connect: () => {
          const client = make(
            servers().map(({ endpoint }) => endpoint),
            options,
          );
          clients.push(client);
          return Promise.resolve(client);
        },
        restart: async () => {
          await Promise.all(servers().map((server) => server.kill()));
          await Promise.all(servers().map((server) => server.start()));
        },
        faults: faultsOf(servers),
        damage: () =>
          withPayloads(servers(), async (data, [key]) => {
            const bytes = key === undefined ? null : await data.getBuffer(key);
            if (key === undefined || !bytes) return false;
            await data.set(key, turnBit(bytes));
            return true;
          }),
        lose: () =>
          withPayloads(servers(), async (data, keys) => {
            for (const key of keys) await data.del(key);
          }),
        dispose: async () => {
          await Promise.all(clients.map((client) => client.close()));
          await flush(servers());
        },
      });
    },
  };
}
