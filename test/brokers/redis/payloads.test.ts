import { numbered, until } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { startRedisServer } from '../../support/redisServer.js';
import { proxiedRedis } from '../../support/proxiedRedis.js';

const redis = proxiedRedis();
const me = { group: 'g', consumer: 'a' };
const request = { ...me, count: 9, waitMs: 5_000 };
const frameBytes = 1_000_000;

/** A message whose bytes all tell its number. */
function frame(value: number, bytes = frameBytes) {
  return { ...numbered(value, 8), payload: Buffer.alloc(bytes, value) };
}

function isFrame(payload: Uint8Array | undefined, value: number, bytes = frameBytes): boolean {
  return payload?.length === bytes && Buffer.alloc(bytes, value).equals(payload);
}

async function ready(): Promise<DualRedisBroker> {
  const broker = redis.client();
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  return broker;
}

describe('payloads', () => {
  test('of all sizes, at once', async () => {
    const broker = await ready();
    const around = (bytes: number): number[] => [-12, -11, -10, -9, -2, -1, 0, 1].map((more) => bytes + more);
    const sizes = [0, 1, 4_096, 4_097, ...around(32 * 1024), ...around(64 * 1024), 3_000_000, 0, 5];
    await Promise.all(sizes.map((bytes, i) => broker.push('t', frame(i + 1, bytes))));
    for (let next = 0; next < sizes.length;) {
      const popped = await broker.pop('t', request);
      for (const { payload } of popped) {
        expect(isFrame(payload, next + 1, sizes[next])).toBe(true);
        next++;
      }
      await broker.ack('t', me, popped);
    }
  });

  test('of the limit', async () => {
    const broker = await ready();
    const bytes = 256 * 1024 * 1024;
    await broker.push('t', frame(7, bytes));
    const [popped] = await broker.pop('t', { ...request, inPlace: true });
    expect(isFrame(popped?.payload, 7, bytes)).toBe(true);
  });

  test('come, where the connection breaks in the midst of them', async () => {
    const broker = await ready();
    for (const [value, direction] of [
      [1, 'toServer'],
      [2, 'toClient'],
    ] as const) {
      const cut = redis.data.proxy.cutAfter({ direction, bytes: 300_000 });
      await broker.push('t', frame(value));
      const popped = await broker.pop('t', { ...request, inPlace: true });
      expect(await cut).toBe(true);
      expect(popped.map(({ payload }) => isFrame(payload, value))).toEqual([true]);
      expect(await broker.ack('t', me, popped)).toEqual({ fenced: [] });
    }
  });

  test('come, where the server is killed and comes back', async () => {
    const broker = await ready();
    await broker.push('t', frame(1));
    await redis.data.server.kill();
    const later = broker.push('t', frame(2));
    await redis.data.server.start();
    await later;
    const popped = await broker.pop('t', request);
    if (popped.length === 1) popped.push(...(await broker.pop('t', request)));
    expect(popped.map(({ payload }, i) => isFrame(payload, i + 1))).toEqual([true, true]);
  });

  test('a push that was cancelled while its payload was stored is not published: its bytes may be others by now', async () => {
    const broker = await ready();
    await broker.push('t', frame(1));
    // Reads are answered: they show that the SET has come.
    const admin = new Redis(redis.data.server.endpoint);
    await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const [cancelled, message] = [new AbortController(), frame(2)];
    const pushed = broker.push('t', message, { signal: cancelled.signal });
    const other = broker.push('t', frame(3));
    await until('its payload is being stored', async () => / flags=\S*b\S* .*cmd=set /m.test(String(await admin.call('CLIENT', 'LIST'))));
    cancelled.abort(new Error('enough'));
    await expect(pushed).rejects.toThrow('enough');
    message.payload.fill(9);
    await admin.call('CLIENT', 'UNPAUSE');
    admin.disconnect();
    await other;
    const popped = await broker.pop('t', request);
    expect(popped.map(({ payload }) => payload[0])).toEqual([1, 3]);
    expect(await broker.deadLetters('t')).toEqual([]);
    expect((await broker.stats())[0]?.published).toBe(2);
  });

  test('a wrong password of the data server alone is BROKER_AUTH', async () => {
    const server = await startRedisServer({ password: 'right' });
    const broker = new DualRedisBroker({ control: redis.control.proxy.address, data: { ...server.endpoint, password: 'wrong' } });
    await expect(broker.open()).rejects.toMatchObject({ code: 'BROKER_AUTH' });
    await broker.close();
    await server.stop();
  });
});

describe('in place', () => {
  test('a payload stays as it is where a commit was refused: it may be published by the next', async () => {
    const broker = await ready();
    await broker.declare({ topic: 'out', groups: ['g'] });
    for (const value of [1, 2, 3]) await broker.push('t', frame(value));
    const popped = await broker.pop('t', { ...request, count: 2, inPlace: true });
    const [one, two] = popped;
    if (!one || !two) throw new Error('two messages expected');
    const commit = (tickets: readonly { seq: number; token: number }[]) =>
      broker.commit({
        acks: [{ topic: 't', ...me, tickets }],
        messages: [{ topic: 'out', message: { ...numbered(8, 8), payload: one.payload } }],
      });
    expect(await commit([one, { ...two, token: 99 }])).toMatchObject({ committed: false, fenced: [{ seq: 2 }] });
    await broker.pop('t', { ...request, count: 1, inPlace: true });
    expect(await commit([one])).toEqual({ committed: true, fenced: [] });
    const [out] = await broker.pop('out', request);
    expect(isFrame(out?.payload, 1)).toBe(true);
  });
});
