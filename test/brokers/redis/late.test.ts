import { numbered, numberOf, until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { startLateNetwork } from '../../support/lateNetwork.js';
import { useRedisPair } from '../../support/redisPair.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a', count: 9 };
const other = { group: 'g', consumer: 'b', count: 9 };
const reader = { reader: 'r', consumer: 'a' };

test('what was sent before the network went, and comes when it is back, takes no messages', async () => {
  const network = await startLateNetwork(redis.controlServer);
  try {
    const consumer = redis.connect({ control: network.path });
    const producer = redis.connect();
    await producer.declare({ topic: 't', groups: ['g'], readers: ['r'] });
    // It hears the bell from then on, and sends nothing but what it asks for.
    await consumer.pop('t', { ...me, waitMs: 1 });
    network.hold();
    const ended = new AbortController();
    const waiting = { waitMs: 60_000, signal: ended.signal };
    const asked = [consumer.pop('t', { ...me, ...waiting }), consumer.popLatest('t', { ...reader, ...waiting })];
    await until('both are on their way', () => network.held > 200);
    network.break();
    ended.abort();
    expect(await Promise.all(asked)).toEqual([[], undefined]);
    // It is connected again, and looks.
    await consumer.stats();
    expect(await consumer.pop('t', { ...me, waitMs: 0 })).toEqual([]);
    expect(await consumer.popLatest('t', { ...reader, waitMs: 0 })).toBeUndefined();
    await producer.push('t', numbered(1));
    await network.deliver();
    expect((await producer.pop('t', { ...other, waitMs: 60_000 })).map(numberOf)).toEqual([1]);
    expect((await consumer.popLatest('t', { ...reader, waitMs: 60_000 }))?.seq).toBe(1);
  } finally {
    await network.close();
  }
});
