import type { Broker } from 'edgeflow';
import { numbered, numberOf } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { startRedisServer } from '../support/redisServer.js';
import { freshDirectory } from '../support/system.js';
import { mountTinyDisk } from '../support/tinyDisk.js';

const a = { group: 'g', consumer: 'a' };
const ends: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Publishes and settles far more than there is room for. */
async function flood(broker: Broker, topic: string, count: number, bytes: number): Promise<void> {
  for (let value = 0; value < count; value++) {
    await broker.push(topic, numbered(value, bytes));
    await broker.ack(topic, a, await broker.pop(topic, { ...a, count: 9, waitMs: 0 }));
  }
}

const retaining = { groups: ['g'], onFull: 'reject', retain: { bytes: 1e9 } } as const;

test('an embedded store that is full of what topics retain takes what is published to another', async () => {
  const broker = new EmbeddedBroker({ directory: freshDirectory(), maxBytes: 200_000 });
  ends.push(() => broker.close());
  await broker.declare({ topic: 'camera', ...retaining });
  await broker.declare({ topic: 'other', groups: ['g'], onFull: 'reject' });
  await flood(broker, 'camera', 30, 9_992);
  expect((await broker.stats()).map(({ bytes }) => bytes)).toEqual([200_000, 0]);
  for (let value = 0; value < 15; value++) await broker.push('other', numbered(value, 9_992));
  expect((await broker.stats()).map(({ bytes }) => bytes)).toEqual([50_000, 150_000]);
  // The newest of them are left.
  expect((await broker.range('camera')).messages.map(numberOf)).toEqual([25, 26, 27, 28, 29]);
  for (let value = 15; value < 20; value++) await broker.push('other', numbered(value, 9_992));
  await expect(broker.push('other', numbered(20, 9_992))).rejects.toMatchObject({ code: 'BROKER_FULL' });
  expect(await broker.pop('other', { ...a, count: 99, waitMs: 0 })).toHaveLength(20);
  expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
});

test('so does one whose file system is full', async (context) => {
  const disk = mountTinyDisk('64m') ?? context.skip('a tmpfs cannot be mounted here (needs root)');
  ends.push(() => disk.remove());
  const broker = new EmbeddedBroker({ directory: disk.directory });
  ends.push(() => broker.close());
  await broker.declare({ topic: 'camera', ...retaining });
  await flood(broker, 'camera', 150, 1_000_000);
  const { messages } = await broker.range('camera', { maxBytes: 1e9 });
  expect(messages.length).toBeGreaterThan(3);
  expect(messages.map(numberOf)).toEqual(Array.from(messages, (_, index) => 150 - messages.length + index));
  expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
});

test('so does a Redis at its maxmemory', async () => {
  const server = await startRedisServer();
  ends.push(() => server.stop());
  const broker = new RedisBroker({ server: server.endpoint });
  ends.push(() => broker.close());
  await broker.declare({ topic: 'camera', ...retaining });
  await broker.push('camera', numbered(0));
  await flood(broker, 'camera', 5, 100_000);
  const client = new (await import('ioredis')).Redis({ ...server.endpoint });
  await client.config('SET', 'maxmemory', '16mb');
  client.disconnect();
  await flood(broker, 'camera', 60, 1_000_000);
  const { messages } = await broker.range('camera', { maxBytes: 1e9 });
  expect(messages.length).toBeGreaterThan(0);
  expect(messages.map(numberOf).at(-1)).toBe(59);
});
