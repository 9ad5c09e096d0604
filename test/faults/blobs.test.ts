import { numbered, numberOf } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { expectBalance } from '../support/balance.js';
import { flush } from '../support/redisHarness.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';

/** Payloads damaged on the data server, of every other message; the others must come whole. */
let servers: readonly [TestRedis, TestRedis];
let data: Redis;
let broker: DualRedisBroker;
const me = { group: 'g', consumer: 'a' };

beforeAll(async () => {
  servers = await Promise.all([startRedisServer(), startRedisServer()]);
});
beforeEach(() => {
  const [controlServer, dataServer] = servers;
  data = new Redis({ ...dataServer.endpoint });
  broker = new DualRedisBroker({ control: controlServer.endpoint, data: dataServer.endpoint });
});
afterEach(async () => {
  await broker.close();
  data.disconnect();
  await flush(servers);
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

const damages: [string, (key: string) => Promise<unknown>][] = [
  ['deleted', (key) => data.del(key)],
  ['truncated', async (key) => data.set(key, (await data.getBuffer(key))?.subarray(0, 5_000) ?? '')],
  ['emptied', (key) => data.set(key, '')],
  ['lengthened', (key) => data.append(key, 'x')],
  ['replaced by a list', (key) => data.multi().del(key).rpush(key, 'x').exec()],
];

test.each(damages)(
  '%s: DURABLE makes a dead letter that says so, REALTIME goes on to the next, and the counts balance',
  async (_, damage) => {
    await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
    for (let value = 0; value < 10; value++) {
      await broker.push('t', numbered(value, 9_000, `m${value}`));
      if (value % 2 === 1) for (const key of await data.keys(`*:m${value}`)) await damage(key);
    }
    // The newest is damaged: the reader gets nothing rather than something old, or empty.
    expect(await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 })).toBeUndefined();
    const popped = await broker.pop('t', { ...me, count: 64, waitMs: 0 });
    expect(popped.map(numberOf)).toEqual([0, 2, 4, 6, 8]);
    expect(popped.every(({ payload }) => payload.length === 9_000)).toBe(true);
    await broker.ack('t', me, popped);
    await broker.push('t', numbered(10, 9_000));
    const newest = await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
    expect(newest && numberOf(newest)).toBe(10);
    await broker.ack('t', me, await broker.pop('t', { ...me, count: 64, waitMs: 0 }));

    const letters = await broker.deadLetters('t');
    expect(letters.map(({ seq, attempts }) => [seq, attempts])).toEqual([2, 4, 6, 8, 10].map((seq) => [seq, 1]));
    for (const { error } of letters) expect(error).toContain('MESSAGE_CORRUPT');
    const stats = await broker.stats();
    expectBalance(stats);
    expect(stats[0]).toMatchObject({
      published: 11,
      deadLetters: 5,
      groups: { g: { acked: 6, dead: 5, open: 0, unread: 0 } },
      readers: { r: { delivered: 1, skipped: 10, waiting: 0 } },
    });
  },
);
