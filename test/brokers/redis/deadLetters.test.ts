import { numbered, numberOf } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import type { Broker } from '#src/brokers/broker.js';
import { commands } from '#src/brokers/redis/command.js';
import { useRedisPair } from '../../support/redisPair.js';
import { startReplyThief } from '../../support/replyThief.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };

/** Publishes messages and gives them up. */
async function bury(broker: Broker, count: number, bytes = 9_000): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, value) => broker.push('t', numbered(value, bytes))));
  const popped = await broker.pop('t', { ...me, count, waitMs: 0 });
  await Promise.all(popped.map((message) => broker.nack('t', me, message, { error: 'no' })));
}

async function references(): Promise<string[]> {
  return Object.values(await redis.control.hgetall('edgeflow:topic:t:blobs'));
}

test('a payload is kept as long as a message or a letter refers to it, and no longer', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g', 'h'] });
  await bury(broker, 1);
  expect(await references()).toEqual(['2']);
  await broker.redrive('t', [1]);
  // The message was still there, for the other group.
  expect(await references()).toEqual(['1']);
  const other = { group: 'h', consumer: 'a' };
  const [again] = await broker.pop('t', { ...me, count: 1, waitMs: 0 });
  if (!again) throw new Error('a message expected');
  await broker.nack('t', me, again, { error: 'no' });
  await broker.ack('t', other, await broker.pop('t', { ...other, count: 1, waitMs: 0 }));
  expect(await references()).toEqual(['1']);
  expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 1 });
  expect(await broker.redrive('t', [2])).toBe(1);
  expect((await broker.stats())[0]).toMatchObject({ entries: 1, bytes: 9_008, deadLetters: 0 });
  expect(await references()).toEqual(['1']);
  const last = await broker.pop('t', { ...me, count: 1, waitMs: 0 });
  expect(last.map(({ attempt, payload }) => [attempt, payload.length])).toEqual([[1, 9_000]]);
  await broker.ack('t', me, last);
  expect(await references()).toEqual([]);
  expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
  expect(await redis.data.dbsize()).toBe(0);
});

test('more letters than one script takes are given back in their order, or dropped', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await bury(broker, 1_200, 50);
  const letters = (await broker.deadLetters('t')).map(({ letter }) => letter);
  expect(letters).toHaveLength(1_200);
  expect(await broker.redrive('t', letters)).toBe(1_200);
  const popped = await broker.pop('t', { ...me, count: 2_000, waitMs: 0 });
  expect(popped.map(numberOf)).toEqual(letters.map((_, value) => value));
  await Promise.all(popped.map((message) => broker.nack('t', me, message, { error: 'no' })));
  expect(await broker.dropDeadLetters('t', letters.concat(letters.map((letter) => letter + 1_200)))).toBe(1_200);
  expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 0, groups: { g: { dead: 1_200 } } });
});

test('numbers that no letter has are passed over; a topic that is not known is an error', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await bury(broker, 1);
  for (const letters of [[], [0, -1, 1.5, NaN, Infinity, 2 ** 60, 7]]) {
    expect(await broker.redrive('t', letters)).toBe(0);
    expect(await broker.dropDeadLetters('t', letters)).toBe(0);
  }
  expect(await broker.deadLetters('t', { limit: 0 })).toEqual([]);
  await expect(broker.redrive('nowhere', [1])).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
  await expect(broker.dropDeadLetters('nowhere', [])).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
  await expect(broker.deadLetters('nowhere')).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
});

test('what is repeated after a lost reply tells what the first time did', async () => {
  const thief = await startReplyThief(redis.controlServer);
  try {
    const broker = redis.connect({ control: thief.path });
    await broker.declare({ topic: 't', groups: ['g', 'gone'] });
    await bury(broker, 3);
    thief.steal(commands.redrive.sha);
    expect(await broker.redrive('t', [1, 2])).toBe(2);
    thief.steal(commands.dropLetters.sha);
    expect(await broker.dropDeadLetters('t', [3, 4])).toBe(1);
    thief.steal(commands.dropGroup.sha);
    expect(await broker.dropGroup('t', 'gone')).toBe(3);
    expect(thief.stolen).toBe(3);
    const popped = await broker.pop('t', { ...me, count: 9, waitMs: 0 });
    expect(popped.map(numberOf)).toEqual([0, 1]);
    await broker.ack('t', me, popped);
    expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 0 });
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    expect(await redis.data.dbsize()).toBe(0);
  } finally {
    await thief.close();
  }
});

test('the time of the first failure is forgotten when the message is settled', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await broker.push('t', numbered(1));
  await broker.push('t', numbered(2));
  const failed = await broker.pop('t', { ...me, count: 2, waitMs: 0 });
  await Promise.all(failed.map((message) => broker.nack('t', me, message, { error: 'no', retryAfterMs: 0 })));
  expect(await redis.control.hlen('edgeflow:topic:t:failed:g')).toBe(2);
  const [one, two] = await broker.pop('t', { ...me, count: 2, waitMs: 1_000 });
  if (!one || !two) throw new Error('two messages expected');
  await broker.ack('t', me, [one]);
  await broker.nack('t', me, two, { error: 'no' });
  expect(await redis.control.exists('edgeflow:topic:t:failed:g')).toBe(0);
});
