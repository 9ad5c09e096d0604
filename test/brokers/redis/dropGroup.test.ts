import { numbered, numberOf } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import type { Broker } from '#src/brokers/broker.js';
import { commands } from '#src/brokers/redis/command.js';
import { useRedisPair } from '../../support/redisPair.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };
const gone = { group: 'gone', consumer: 'a' };

async function fill(broker: Broker, count: number, bytes = 0): Promise<void> {
  for (let first = 0; first < count; first += 5_000)
    await Promise.all(Array.from({ length: Math.min(5_000, count - first) }, (_, i) => broker.push('t', numbered(first + i, bytes))));
}

test('a group with 20,000 open and 20,000 unread messages is dropped in steps; what others need stays', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g', 'gone'], readers: ['r'] });
  await fill(broker, 40_000);
  await broker.pop('t', { ...gone, count: 20_000, waitMs: 0 });
  await broker.ack('t', me, await broker.pop('t', { ...me, count: 39_990, waitMs: 0 }));
  await redis.control.config('RESETSTAT');
  expect(await broker.dropGroup('t', 'gone')).toBe(40_000);
  const steps = Number(/cmdstat_hscan:calls=(\d+)/.exec(await redis.control.info('commandstats'))?.[1]);
  expect(steps).toBeGreaterThan(20);
  expect((await broker.stats())[0]).toMatchObject({ entries: 10, bytes: 80, groups: { g: { open: 0, unread: 10 } } });
  expect((await broker.pop('t', { ...me, count: 99, waitMs: 0 })).map(numberOf)).toEqual(Array.from({ length: 10 }, (_, i) => 39_990 + i));
  expect(await redis.control.keys('*:gone')).toEqual([]);
});

test('what a killed process began to free, a sweep frees', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['gone'] });
  await fill(broker, 1_500, 5_000);
  await redis.control.eval(commands.dropGroup.text, 2, 'edgeflow:topic:t', 'edgeflow:trash', 'gone', 'token');
  expect((await broker.stats())[0]).toMatchObject({ entries: 1_500, groups: {} });
  await broker.sweep({ graceMs: 0 });
  // The newest stays, for a reader that may come.
  expect((await broker.stats())[0]).toMatchObject({ entries: 1, bytes: 5_008 });
  expect(await redis.data.dbsize()).toBe(1);
});

test('a pop that waits on the group ends with TOPIC_UNDECLARED, in another client too', async () => {
  const [broker, other] = [redis.connect(), redis.connect()];
  await broker.declare({ topic: 't', groups: ['gone'] });
  const waiting = other.pop('t', { ...gone, count: 1, waitMs: 30_000 });
  const rejected = expect(waiting).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
  expect(await broker.dropGroup('t', 'gone')).toBe(0);
  await rejected;
});

test('a group that is declared again begins anew', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['gone'] });
  await fill(broker, 3, 6_000);
  const held = await broker.pop('t', { ...gone, count: 2, waitMs: 0 });
  await broker.dropGroup('t', 'gone');
  await broker.declare({ topic: 't', groups: ['gone'] });
  await broker.push('t', numbered(7));
  expect((await broker.ack('t', gone, held)).fenced).toHaveLength(2);
  expect((await broker.pop('t', { ...gone, count: 9, waitMs: 0 })).map(numberOf)).toEqual([7]);
  expect((await broker.stats())[0]?.groups.gone).toEqual({ published: 1, acked: 0, dead: 0, open: 1, unread: 0 });
});
