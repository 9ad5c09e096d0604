import { FaultProxy } from 'edgeflow/testing';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { flush } from './redisHarness.js';
import { startRedisServer, targetOf } from './redisServer.js';
import type { TestRedis } from './redisServer.js';

/** The two servers of a broker, each behind a proxy. */
export interface ProxiedRedis {
  readonly control: { readonly server: TestRedis; readonly proxy: FaultProxy };
  readonly data: { readonly server: TestRedis; readonly proxy: FaultProxy };
  /** A client whose connections go through the proxies. */
  client(): DualRedisBroker;
  /** Closes all clients and empties the servers, as after each test. */
  clear(): Promise<void>;
}

/** Two real servers behind proxies, for the tests of this file. */
export function proxiedRedis(): ProxiedRedis {
  const brokers: DualRedisBroker[] = [];
  const parts = new Map<string, { readonly server: TestRedis; readonly proxy: FaultProxy }>();
  const part = (name: string): { readonly server: TestRedis; readonly proxy: FaultProxy } => {
    const found = parts.get(name);
    if (!found) throw new Error('the servers are started before the first test');
    return found;
  };
  const pair: ProxiedRedis = {
    get control() {
      return part('control');
    },
    get data() {
      return part('data');
    },
    client() {
      const broker = new DualRedisBroker({ control: pair.control.proxy.address, data: pair.data.proxy.address });
      brokers.push(broker);
      return broker;
    },
    async clear() {
      await Promise.all(brokers.splice(0).map((broker) => broker.close()));
      await Promise.all([...parts.values()].map(({ proxy }) => proxy.normal()));
      await flush([...parts.values()].map(({ server }) => server));
    },
  };
  beforeAll(async () => {
    for (const [name, transport] of [
      ['control', 'unix'],
      ['data', 'tcp'],
    ] as const) {
      const server = await startRedisServer({ transport });
      parts.set(name, { server, proxy: await FaultProxy.start(targetOf(server)) });
    }
  });
  afterEach(() => pair.clear());
  afterAll(async () => {
    for (const { proxy, server } of parts.values()) {
      await proxy.close();
      await server.stop();
    }
  });
  return pair;
}
