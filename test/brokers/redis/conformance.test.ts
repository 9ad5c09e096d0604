import { brokerConformance } from 'edgeflow/testing';
import { afterAll, beforeAll, describe } from 'vitest';
import { DualRedisBroker, RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { redisHarness } from '../../support/redisHarness.js';
import { startRedisServer } from '../../support/redisServer.js';
import type { TestRedis } from '../../support/redisServer.js';

describe('on two servers', () => {
  let servers: TestRedis[] = [];
  beforeAll(async () => {
    servers = await Promise.all([startRedisServer(), startRedisServer({ transport: 'tcp', password: 'secret' })]);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));
  const harness = redisHarness(
    () => servers,
    ([control, data], options) => new DualRedisBroker({ ...options, ...(control && { control }), ...(data && { data }) }),
  );
  brokerConformance('DualRedisBroker', harness, { restarts: true });
});

describe('on one server', () => {
  let servers: TestRedis[] = [];
  beforeAll(async () => {
    servers = [await startRedisServer()];
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));
  const harness = redisHarness(
    () => servers,
    ([server], options) => new RedisBroker({ ...options, ...(server && { server }) }),
  );
  brokerConformance('RedisBroker', harness, { restarts: true });
});
