import { expect, test } from 'vitest';
import type { Broker, DeliveredMessage, GroupConsumer, PopRequest } from '../../brokers/broker.js';
import { numbered, numberOf, until } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const a: GroupConsumer = { group: 'g', consumer: 'a' };
const b: GroupConsumer = { group: 'g', consumer: 'b' };

function request(consumer: GroupConsumer, count = 100, waitMs = 0, strict = false): PopRequest {
  return { ...consumer, count, waitMs, strict };
}

async function pushAll(broker: Broker, values: readonly number[], bytes = 0): Promise<void> {
  await Promise.all(values.map((value) => broker.push('t', numbered(value, bytes))));
}

/** Pops and acks until `count` messages came. */
async function consume(broker: Broker, consumer: GroupConsumer, count: number): Promise<DeliveredMessage[]> {
  const all: DeliveredMessage[] = [];
  await until(`${count} messages`, async () => {
    const popped = await broker.pop('t', request(consumer, 64, 200));
    await broker.ack('t', consumer, popped);
    all.push(...popped);
    return all.length >= count;
  });
  return all;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** The DURABLE half of the contract. */
export function durableConformance(harness: BrokerHarness): void {
  test('a group gets every message, in order, with its bytes', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      const sent = range(300).map((value) => numbered(value, value % 3 === 0 ? 10_000 : value));
      await Promise.all(sent.map((message) => broker.push('t', message)));
      const received = await consume(broker, a, sent.length);
      expect(received.map(numberOf)).toEqual(range(300));
      expect(received.map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
      expect(received.every(({ payload }, index) => Buffer.compare(payload, sent[index]?.payload ?? Buffer.of(1)) === 0)).toBe(true);
      expect(received.map(({ seq }) => seq)).toEqual(range(300).map((index) => index + 1));
      expect(received.every(({ attempt }) => attempt === 1)).toBe(true);
    }));

  test('a waiting pop is woken by a push', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      const other = await store.connect();
      const popped = broker.pop('t', request(a, 10, 20_000));
      await other.push('t', numbered(7));
      expect((await popped).map(numberOf)).toEqual([7]);
    }));

  test('a pop ends without messages after its wait, or when its signal is aborted', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      expect(await broker.pop('t', request(a, 10, 20))).toEqual([]);
      const abort = new AbortController();
      const popped = broker.pop('t', { ...request(a, 10, 60_000), signal: abort.signal });
      abort.abort();
      expect(await popped).toEqual([]);
    }));

  test('each group gets each message once; topics are apart', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g', 'h'] });
      await broker.declare({ topic: 'u', groups: ['g'] });
      await pushAll(broker, [1, 2, 3]);
      await broker.push('u', numbered(9));
      expect((await consume(broker, a, 3)).map(numberOf)).toEqual([1, 2, 3]);
      expect((await consume(broker, { group: 'h', consumer: 'a' }, 3)).map(numberOf)).toEqual([1, 2, 3]);
      expect((await broker.pop('u', request(a))).map(numberOf)).toEqual([9]);
    }));

  test('consumers of one group share its messages', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, range(50));
      const first = await broker.pop('t', request(a, 20));
      const second = await broker.pop('t', request(b, 50));
      expect(first.map(numberOf)).toEqual(range(20));
      expect(second.map(numberOf)).toEqual(range(50).slice(20));
    }));

  test('a group begins with the first message after it was declared', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1, 2]);
      await broker.declare({ topic: 't', groups: ['late'] });
      await pushAll(broker, [3]);
      expect((await broker.pop('t', request({ group: 'late', consumer: 'a' }))).map(numberOf)).toEqual([3]);
      expect((await broker.pop('t', request(a))).map(numberOf)).toEqual([1, 2, 3]);
    }));

  test('a nacked message comes again after its delay, with its attempt counted', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1, 2]);
      const [first, second] = await broker.pop('t', request(a));
      if (!first || !second) throw new Error('two messages expected');
      expect(await broker.nack('t', a, first, { error: 'boom', retryAfterMs: 30 })).toBe(true);
      await broker.ack('t', a, [second]);
      const again = await broker.pop('t', request(b, 10, 10_000));
      expect(again.map(({ seq, attempt }) => [seq, attempt])).toEqual([[1, 2]]);
    }));

  test('a message that is given up becomes one dead letter and is settled', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      const message = numbered(1, 9_000);
      await broker.push('t', message);
      const [popped] = await broker.pop('t', request(a));
      if (!popped) throw new Error('a message expected');
      expect(await broker.nack('t', a, popped, { error: 'no way' })).toBe(true);
      expect(await broker.nack('t', a, popped, { error: 'no way' })).toBe(false);
      const dead = await broker.deadLetters('t');
      expect(dead).toHaveLength(1);
      expect(dead[0]).toMatchObject({ id: message.id, group: 'g', error: 'no way', attempts: 1, seq: 1 });
      expect(Buffer.compare(dead[0]?.payload ?? Buffer.alloc(0), message.payload)).toBe(0);
      expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 1, groups: { g: { dead: 1, open: 0 } } });
    }));

  test('a second ack, and an ack by another consumer, is fenced', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1]);
      const popped = await broker.pop('t', request(a));
      expect((await broker.ack('t', b, popped)).fenced).toHaveLength(1);
      expect((await broker.ack('t', a, popped)).fenced).toHaveLength(0);
      expect((await broker.ack('t', a, popped)).fenced).toHaveLength(1);
      expect((await broker.stats())[0]?.groups).toEqual({ g: { published: 1, acked: 1, dead: 0, open: 0, unread: 0 } });
    }));

  test('an ack of an earlier delivery is fenced', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1]);
      const [early] = await broker.pop('t', request(a));
      await broker.release('t', a);
      const [late] = await broker.pop('t', request(a));
      if (!early || !late) throw new Error('two deliveries expected');
      expect((await broker.ack('t', a, [early])).fenced).toHaveLength(1);
      expect((await broker.ack('t', a, [late])).fenced).toHaveLength(0);
    }));

  test('released messages come again at once, in order', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, range(6));
      await broker.pop('t', request(a, 4));
      await broker.release('t', a, [2, 4]);
      await broker.release('t', a, [1]);
      expect((await broker.pop('t', request(b, 10))).map(({ seq }) => seq)).toEqual([1, 2, 4, 5, 6]);
    }));

  test('what is handed back does not count as an attempt; what failed does', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1]);
      for (let round = 0; round < 10; round++) {
        expect((await broker.pop('t', request(a))).map(({ attempt }) => attempt)).toEqual([1]);
        await broker.release('t', a);
      }
      const [tried] = await broker.pop('t', request(a));
      if (!tried) throw new Error('a message expected');
      await broker.nack('t', a, tried, { error: 'failed', retryAfterMs: 0 });
      expect((await broker.pop('t', request(a, 1, 5_000))).map(({ attempt }) => attempt)).toEqual([2]);
    }));

  test('strict: nothing newer while an older message is open or waits for its retry', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1, 2]);
      const [first] = await broker.pop('t', request(a, 1, 0, true));
      if (!first) throw new Error('a message expected');
      expect(await broker.pop('t', request(a, 1, 0, true))).toEqual([]);
      await broker.nack('t', a, first, { error: 'again', retryAfterMs: 40 });
      const next = await broker.pop('t', request(a, 1, 10_000, true));
      expect(next.map(({ seq, attempt }) => [seq, attempt])).toEqual([[1, 2]]);
    }));

  test('the same id published again adds nothing', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      const message = numbered(1, 8_000);
      const receipts = await Promise.all([broker.push('t', message), broker.push('t', message), broker.push('t', message)]);
      expect(receipts.map(({ seq, duplicate }) => [seq, duplicate])).toEqual([
        [1, false],
        [1, true],
        [1, true],
      ]);
      const popped = await broker.pop('t', request(a));
      expect(popped).toHaveLength(1);
      expect(popped[0]?.payload.length).toBe(8_000);
      await broker.ack('t', a, popped);
      expect(await broker.push('t', message)).toEqual({ seq: 1, duplicate: true });
      expect((await broker.stats())[0]).toMatchObject({ published: 1, entries: 0 });
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('a message stays until the slowest group has acked it, and is gone then', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g', 'slow'] });
      await pushAll(broker, range(20), 5_000);
      await consume(broker, a, 20);
      expect((await broker.stats())[0]).toMatchObject({ entries: 20 });
      await consume(broker, { group: 'slow', consumer: 'a' }, 20);
      expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0 });
    }));

  test('a full topic makes pushes wait, keeps their order and loses nothing', () =>
    withStore(harness, async ({ broker }) => {
      const maxBytes = 50_000;
      await broker.declare({ topic: 't', groups: ['g'], maxBytes });
      let settled = 0;
      const pushes = range(30).map((value) => broker.push('t', numbered(value, 9_992)).then(() => settled++));
      await until('the topic is full', async () => ((await broker.stats())[0]?.bytes ?? 0) >= maxBytes);
      expect(settled).toBeLessThan(30);
      const received: number[] = [];
      while (received.length < 30) {
        const popped = await broker.pop('t', request(a, 3, 5_000));
        expect((await broker.stats())[0]?.bytes).toBeLessThanOrEqual(maxBytes + 10_000);
        await broker.ack('t', a, popped);
        received.push(...popped.map(numberOf));
      }
      await Promise.all(pushes);
      expect(received).toEqual(range(30));
    }));

  test('a full topic rejects where it says so', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], maxBytes: 10_000, onFull: 'reject' });
      await broker.push('t', numbered(1, 20_000));
      await expect(broker.push('t', numbered(2))).rejects.toMatchObject({ code: 'BROKER_FULL' });
      await consume(broker, a, 1);
      await broker.push('t', numbered(3));
    }));

  test.runIf(harness.independentClients)('a restarted consumer of the same name takes its open messages back', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await pushAll(broker, [1, 2, 3]);
      const before = await broker.pop('t', request(a, 2));
      const restarted = await store.connect();
      const again = await restarted.pop('t', request(a, 10));
      expect(again.map(({ seq, attempt }) => [seq, attempt])).toEqual([
        [1, 2],
        [2, 2],
        [3, 1],
      ]);
      expect((await broker.ack('t', a, before)).fenced).toHaveLength(2);
      expect((await restarted.ack('t', a, again)).fenced).toHaveLength(0);
    }),
  );
}
