import { brokerContract } from 'edgeflow/testing';
import { afterAll, beforeAll } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { redisHarness } from '../../support/redisHarness.js';
import { startRedisServer } from '../../support/redisServer.js';
import type { TestRedis } from '../../support/redisServer.js';

let servers: TestRedis[] = [];
beforeAll(async () => {
  servers = await Promise.all([startRedisServer(), startRedisServer()]);
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

brokerContract('DualRedisBroker', {
  ...redisHarness(
    () => servers,
    ([control, data], options) => new DualRedisBroker({ ...options, ...(control && { control }), ...(data && { data }) }),
  ),
  runs: 10,
});
