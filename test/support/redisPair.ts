import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import type { DualRedisBrokerOptions } from '#src/brokers/redis/redisBroker.js';
import { flush } from './redisHarness.js';
import { startRedisServer } from './redisServer.js';
import type { TestRedis } from './redisServer.js';

/** Two servers of a test file, with a client of the test's own on each. */
export interface RedisPair {
  readonly controlServer: TestRedis;
  readonly dataServer: TestRedis;
  readonly control: Redis;
  readonly data: Redis;
  /** A broker that is closed after the test; of a class that is derived from it, where one is named. */
  connect(options?: DualRedisBrokerOptions, Class?: new (options: DualRedisBrokerOptions) => DualRedisBroker): DualRedisBroker;
}

/** Registers the hooks that start the servers, and empty them after each test. Its fields are for use inside of tests. */
export function useRedisPair(): RedisPair {
  const brokers: DualRedisBroker[] = [];
  let servers: [TestRedis, TestRedis] | undefined;
  let clients: [Redis, Redis] | undefined;
  const ready = <T>(value: T | undefined): T => {
    if (!value) throw new Error('the servers run inside of tests alone');
    return value;
  };
  beforeAll(async () => {
    servers = await Promise.all([startRedisServer(), startRedisServer()]);
  });
  afterAll(() => Promise.all(ready(servers).map((server) => server.stop())));
  beforeEach(() => {
    const [control, data] = ready(servers);
    clients = [new Redis({ ...control.endpoint }), new Redis({ ...data.endpoint })];
    // A test may kill the server; the client comes back by itself.
    for (const client of clients) client.on('error', () => undefined);
  });
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()));
    for (const client of ready(clients)) client.disconnect();
    await flush(ready(servers));
  });
  return {
    get controlServer() {
      return ready(servers)[0];
    },
    get dataServer() {
      return ready(servers)[1];
    },
    get control() {
      return ready(clients)[0];
    },
    get data() {
      return ready(clients)[1];
    },
    connect: (options, Class = DualRedisBroker) => {
      const [control, data] = ready(servers);
      const broker = new Class({ control: control.endpoint, data: data.endpoint, ...options });
      brokers.push(broker);
      return broker;
    },
  };
}
