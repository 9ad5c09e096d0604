import { QoS, System } from 'edgeflow';
import { numbered, until } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { flush } from '../support/redisHarness.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';
import { nodeFile, readLines, temporaryFolder } from '../support/system.js';

/** Somebody else wrote to a key of EdgeFlow's on the control server. */
let servers: readonly [TestRedis, TestRedis];
let control: Redis;
let broker: DualRedisBroker;
const me = { group: 'g', consumer: 'a' };
const folder = temporaryFolder();

beforeAll(async () => {
  servers = await Promise.all([startRedisServer(), startRedisServer()]);
});
beforeEach(() => {
  const [controlServer, dataServer] = servers;
  control = new Redis({ ...controlServer.endpoint });
  broker = new DualRedisBroker({ control: controlServer.endpoint, data: dataServer.endpoint });
});
afterEach(async () => {
  await broker.close();
  control.disconnect();
  await flush(servers);
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

/** Puts a text, or a list, where EdgeFlow keeps something else. */
async function spoil(key: string, kind: 'text' | 'list'): Promise<void> {
  await control.del(key);
  if (kind === 'text') await control.set(key, 'somebody was here');
  else await control.rpush(key, 'somebody', 'was', 'here');
}

/** Calls each method once; gives what those that failed failed with. */
async function failures(): Promise<unknown[]> {
  const calls = [
    () => broker.declare({ topic: 't', groups: ['h'] }),
    () => broker.push('t', numbered(2, 9_000)),
    () => broker.pop('t', { ...me, count: 1, waitMs: 50 }),
    () => broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 50 }),
    () => broker.ack('t', me, [{ seq: 1, token: 1 }]),
    () => broker.nack('t', me, { seq: 2, token: 1 }, { error: 'no' }),
    () => broker.release('t', me),
    () => broker.deadLetters('t'),
    () => broker.stats(),
    () => broker.sweep({ graceMs: 0 }),
  ];
  const failed: unknown[] = [];
  for (const call of calls) await call().catch((error: unknown) => failed.push(error));
  return failed;
}

const keys = ['', ':log', ':ids', ':ids:before', ':open:g', ':due:g', ':beats:g', ':takes:r', ':blobs', ':dead'].map(
  (part) => `edgeflow:topic:t${part}`,
);

describe.each(['text', 'list'] as const)('a %s', (kind) => {
  test.each([...keys, 'edgeflow:topics', 'edgeflow:trash'])('at %s is BROKER_CORRUPT, which names the server and the key', async (key) => {
    await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
    await broker.push('t', numbered(0, 9_000));
    await broker.push('t', numbered(1, 9_000));
    await broker.pop('t', { ...me, count: 2, waitMs: 0 });
    await spoil(key, kind);
    const failed = await failures();
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed) {
      expect(error).toMatchObject({ name: 'EdgeFlowError', code: 'BROKER_CORRUPT' });
      expect((error as Error).message).toMatch(/the control Redis at \S+ holds at 'edgeflow:(topic:t|topics|trash)[^']*', or below it/);
    }
    // It mends itself when all is discarded.
    await broker.reset();
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.push('t', numbered(3));
    expect(await broker.pop('t', { ...me, count: 1, waitMs: 0 })).toHaveLength(1);
  });
});

test('records that are gone while they are needed are BROKER_CORRUPT', async () => {
  await broker.declare({ topic: 't', groups: ['g'] });
  await broker.push('t', numbered(0));
  await control.del('edgeflow:topic:t:log');
  await expect(broker.pop('t', { ...me, count: 1, waitMs: 50 })).rejects.toMatchObject({ code: 'BROKER_CORRUPT' });
});

test('a System stops with BROKER_CORRUPT, and says so in its log', async () => {
  const system = new System('spoilt');
  const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 1 });
  const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
  system.link(source).to(all, QoS.DURABLE, { prefetch: 1 });
  const running = await system.run({ broker, handleSignals: false, onLog: () => undefined });
  await until('some values', () => readLines(folder.path('all')).length > 5);
  await spoil('edgeflow:topic:source:open:all', 'text');
  await expect(running.done).rejects.toMatchObject({
    code: 'BROKER_CORRUPT',
    message: expect.stringMatching(/holds at 'edgeflow:topic:source'.*WRONGTYPE.*reset: true/) as string,
  });
});
