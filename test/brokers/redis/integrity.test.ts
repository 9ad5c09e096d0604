import { numbered, numberOf, until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { useRedisPair } from '../../support/redisPair.js';
import { turnBit } from '../../support/turnBit.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };

/** The key of the payload of the message with this id. */
async function blobOf(id: string): Promise<string> {
  const [key] = await redis.data.keys(`*:${id}`);
  if (key === undefined) throw new Error(`message '${id}' has no payload on the data plane`);
  return key;
}

test('a payload that was changed, cut, lengthened or lost makes a dead letter; later messages go on', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  const names = ['flipped', 'cut', 'longer', 'lost', 'whole'];
  for (const [value, id] of names.entries()) await broker.push('t', numbered(value, 9_000, id));
  const flipped = await redis.data.getrangeBuffer(await blobOf('flipped'), 4_000, 4_000);
  await redis.data.setrange(await blobOf('flipped'), 4_000, Buffer.of((flipped[0] ?? 0) ^ 1));
  await redis.data.set(await blobOf('cut'), Buffer.alloc(8_999, 1));
  await redis.data.append(await blobOf('longer'), 'x');
  await redis.data.del(await blobOf('lost'));
  expect((await broker.pop('t', { ...me, count: 9, waitMs: 0 })).map(({ id }) => id)).toEqual(['whole']);
  const letters = await broker.deadLetters('t');
  expect(letters.map(({ letter, id, attempts, payload }) => [letter, id, attempts, payload.length])).toEqual([
    [1, 'flipped', 1, 9_000],
    [2, 'cut', 1, 8_999],
    [3, 'longer', 1, 9_001],
    [4, 'lost', 1, 0],
  ]);
  for (const { error } of letters) expect(error).toMatch(/^MESSAGE_CORRUPT: /);
  expect(await broker.dropDeadLetters('t', [1, 2, 3, 4])).toBe(4);
  expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
});

test('a record that was changed on the control plane makes a dead letter', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  for (let value = 1; value <= 4; value++) await broker.push('t', numbered(value, 100, `id-${value}`));
  const log = 'edgeflow:topic:t:log';
  const [first, second] = await redis.control.hmgetBuffer(log, '1', '2');
  if (!first || !second) throw new Error('two records expected');
  await redis.control.hset(log, '1', Buffer.concat([first.subarray(0, -1), turnBit(first.subarray(-1))]));
  await redis.control.hset(log, '2', second.subarray(0, 30));
  await redis.control.hset(log, '3', 'nonsense');
  expect((await broker.pop('t', { ...me, count: 9, waitMs: 0 })).map(numberOf)).toEqual([4]);
  const letters = await broker.deadLetters('t');
  expect(letters.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  for (const { error } of letters) expect(error).toMatch(/^MESSAGE_CORRUPT: /);
  expect(Buffer.from(letters[2]?.payload ?? []).toString()).toBe('nonsense');
});

test('a reader skips what is damaged for the next newer message, and counts it', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', readers: ['r'] });
  const take = { reader: 'r', consumer: 'a', waitMs: 0 };
  await broker.push('t', numbered(1, 9_000, 'flipped'));
  await redis.data.set(await blobOf('flipped'), turnBit((await redis.data.getBuffer(await blobOf('flipped'))) ?? Buffer.alloc(0)));
  expect(await broker.popLatest('t', take)).toBeUndefined();
  await broker.push('t', numbered(2, 9_000, 'cut'));
  await redis.data.set(await blobOf('cut'), 'x');
  expect(await broker.popLatest('t', take)).toBeUndefined();
  await broker.push('t', numbered(3, 100));
  await redis.control.hset('edgeflow:topic:t:log', '3', 'nonsense');
  expect(await broker.popLatest('t', take)).toBeUndefined();
  await broker.push('t', numbered(4, 9_000));
  expect((await broker.popLatest('t', take))?.seq).toBe(4);
  expect((await broker.stats())[0]?.readers.r).toEqual({ published: 4, delivered: 1, skipped: 3, waiting: 0 });
  await until('no damaged payload is left', async () => (await redis.data.exists('flipped', 'cut')) === 0);
});
