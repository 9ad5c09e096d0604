import { numbered, numberOf, until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { startLateNetwork } from '../../support/lateNetwork.js';
import { useRedisPair } from '../../support/redisPair.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a', count: 9, waitMs: 60_000 };
const other = { group: 'g', consumer: 'b', count: 9, waitMs: 60_000 };
const reader = { reader: 'r', consumer: 'a', waitMs: 60_000 };
const declaration = { topic: 't', groups: ['g'], readers: ['r'] };

async function blocked(): Promise<number> {
  return Number(/^blocked_clients:(\d+)/m.exec(await redis.control.info('clients'))?.[1]);
}

async function waiting(count: number): Promise<void> {
  await until(`the server has ${count} that wait`, async () => (await blocked()) === count);
}

async function unblocked(): Promise<boolean> {
  return /^cmdstat_client\|unblock:/m.test(await redis.control.info('commandstats'));
}

test('who waits takes what is published without a further question', async () => {
  const network = await startLateNetwork(redis.controlServer);
  try {
    const consumer = redis.connect({ control: network.path });
    const producer = redis.connect();
    await producer.declare(declaration);
    const asked = [consumer.pop('t', me), consumer.popLatest('t', reader)] as const;
    await waiting(2);
    network.hold();
    await producer.push('t', numbered(1));
    expect((await asked[0]).map(numberOf)).toEqual([1]);
    expect((await asked[1])?.seq).toBe(1);
  } finally {
    await network.close();
  }
});

test('one that the network took, and the server waits with on, takes nothing from those that come after it', async () => {
  const network = await startLateNetwork(redis.controlServer);
  try {
    const consumer = redis.connect({ control: network.path });
    const producer = redis.connect();
    await consumer.stats();
    const [, control = ''] = /^id=(\d+) .* cmd=smembers/m.exec((await redis.control.client('LIST')) as string) ?? [];
    await producer.declare(declaration);
    const ended = new AbortController();
    const asked = [consumer.pop('t', { ...me, signal: ended.signal }), consumer.popLatest('t', { ...reader, signal: ended.signal })];
    await waiting(2);
    network.hold();
    // The connections that waited do not come back, which would end them.
    network.break(control);
    ended.abort();
    expect(await Promise.all(asked)).toEqual([[], undefined]);
    await consumer.stats();
    expect(await consumer.pop('t', { ...me, waitMs: 0 })).toEqual([]);
    expect(await consumer.popLatest('t', { ...reader, waitMs: 0 })).toBeUndefined();
    await producer.push('t', numbered(1));
    expect((await producer.pop('t', other)).map(numberOf)).toEqual([1]);
    expect(await consumer.popLatest('t', reader)).toMatchObject({ seq: 1, skipped: 0 });
  } finally {
    await network.close();
  }
});

test('a call that is aborted while it waits ends at once, and takes nothing more', async () => {
  const [leaver, stayer] = [redis.connect(), redis.connect()];
  await leaver.declare(declaration);
  const ended = new AbortController();
  const asked = [leaver.pop('t', { ...me, signal: ended.signal }), leaver.popLatest('t', { ...reader, signal: ended.signal })];
  await waiting(2);
  ended.abort();
  expect(await Promise.all(asked)).toEqual([[], undefined]);
  expect(await blocked()).toBe(0);
  await stayer.push('t', numbered(1));
  expect((await stayer.pop('t', other)).map(numberOf)).toEqual([1]);
});

test('one that waits does not hold up another call of its consumer, and waits on', async () => {
  const [consumer, producer] = [redis.connect(), redis.connect()];
  await consumer.declare(declaration);
  const first = consumer.pop('t', me);
  const latest = consumer.popLatest('t', reader);
  await waiting(2);
  await redis.control.config('RESETSTAT');
  expect(await consumer.pop('t', { ...me, waitMs: 0 })).toEqual([]);
  expect(await consumer.popLatest('t', { ...reader, waitMs: 0 })).toBeUndefined();
  expect(await unblocked()).toBe(true);
  // Of two that wait for one consumer, one hears the bell.
  const second = consumer.pop('t', me);
  await waiting(2);
  await producer.push('t', numbered(1));
  const [won] = await Promise.race([first, second]);
  expect(won && numberOf(won)).toBe(1);
  await producer.push('t', numbered(2));
  expect([...(await first), ...(await second)].map(numberOf).sort()).toEqual([1, 2]);
  expect((await latest)?.seq).toBe(1);
});

test('consumers that share what comes hear the bell: a ring would end the polls of all', async () => {
  const [consumer, producer] = [redis.connect(), redis.connect()];
  await consumer.declare(declaration);
  await producer.push('t', numbered(1));
  // Each takes part once.
  expect((await producer.pop('t', { ...other, count: 1 })).map(numberOf)).toEqual([1]);
  expect((await producer.popLatest('t', { ...reader, consumer: 'b' }))?.seq).toBe(1);
  await producer.push('t', numbered(2));
  expect((await consumer.pop('t', { ...me, count: 1 })).map(numberOf)).toEqual([2]);
  expect((await consumer.popLatest('t', reader))?.seq).toBe(2);
  const asked = [consumer.pop('t', me), consumer.popLatest('t', reader)] as const;
  await until('it hears the bell', async () => (await redis.control.pubsub('CHANNELS')).includes('edgeflow:topic:t:bell'));
  expect(await blocked()).toBe(0);
  await producer.push('t', numbered(3));
  expect((await asked[0]).map(numberOf)).toEqual([3]);
  expect((await asked[1])?.seq).toBe(3);
});

test('more that wait than there are connections for are all served', async () => {
  const [consumer, producer] = [redis.connect(), redis.connect()];
  const topics = Array.from({ length: 40 }, (_, i) => `t${i}`);
  for (const topic of topics) await producer.declare({ topic, groups: ['g'] });
  const asked = topics.map((topic) => consumer.pop(topic, me));
  await waiting(16);
  await until('the others hear the bell', async () => {
    const heard = (await redis.control.call('PUBSUB', 'NUMSUB', ...topics.map((topic) => `edgeflow:topic:${topic}:bell`))) as (
      string | number
    )[];
    return heard.filter((count) => count === 1).length === 24;
  });
  for (const [i, topic] of topics.entries()) await producer.push(topic, numbered(i));
  expect((await Promise.all(asked)).flat().map(numberOf)).toEqual(topics.map((_, i) => i));
});

test('the connection of a poll whose take is refused goes on', async () => {
  const consumer = redis.connect();
  await consumer.declare(declaration);
  const asked = consumer.pop('t', { ...me, waitMs: 500 });
  const refused = expect(asked).rejects.toThrow('NOREPLICAS');
  await waiting(1);
  await redis.control.config('RESETSTAT');
  await redis.control.config('SET', 'min-replicas-to-write', '1');
  await refused;
  await redis.control.config('SET', 'min-replicas-to-write', '0');
  const again = consumer.pop('t', me);
  await waiting(1);
  expect(await redis.control.info('commandstats')).not.toMatch(/^cmdstat_client\|kill:/m);
  await redis.connect().push('t', numbered(1));
  expect((await again).map(numberOf)).toEqual([1]);
});

test('a stream of rings that an earlier topic left does not matter', async () => {
  const [consumer, producer] = [redis.connect(), redis.connect()];
  await consumer.declare(declaration);
  await redis.control.xadd('edgeflow:topic:t:rings', '999-0', '', '');
  const first = consumer.pop('t', me);
  await until('it waits', async () => (await redis.control.hexists('edgeflow:topic:t', 'ring:message')) === 1);
  await producer.push('t', numbered(1));
  expect((await first).map(numberOf)).toEqual([1]);
  const second = consumer.pop('t', me);
  await waiting(1);
  await producer.push('t', numbered(2));
  expect((await second).map(numberOf)).toEqual([2]);
});

test('a reset ends the wait of those that the client itself has', async () => {
  const broker = redis.connect();
  await broker.declare(declaration);
  const asked = [broker.pop('t', me), broker.popLatest('t', reader)];
  const ended = Promise.allSettled(asked);
  await waiting(2);
  await redis.control.config('RESETSTAT');
  await broker.reset();
  const results = await ended;
  expect(await unblocked()).toBe(true);
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'TOPIC_UNDECLARED' } });
});
