import type { BrokerHarness, BrokerStore } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import type { Broker } from '#src/brokers/broker.js';
import type { RedisEndpoint } from '#src/brokers/redis/endpoint.js';
import type { RedisClientOptions } from '#src/brokers/redis/redisBrokerBase.js';
import type { TestRedis } from './redisServer.js';

/** Empties servers of a test. */
export async function flush(servers: readonly TestRedis[]): Promise<void> {
  for (const { endpoint } of servers) {
    const client = new Redis({ ...endpoint });
    await client.flushall();
    client.disconnect();
  }
}

/** A harness on running servers: one store at a time, emptied when it is disposed of. */
export function redisHarness(
  servers: () => readonly TestRedis[],
  make: (endpoints: readonly RedisEndpoint[], options: RedisClientOptions) => Broker,
): BrokerHarness {
  return {
    independentClients: true,
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
        dispose: async () => {
          await Promise.all(clients.map((client) => client.close()));
          await flush(servers());
        },
      });
    },
  };
}
