import { expect, test } from 'vitest';
import type { Broker, PopLatestRequest } from '../../brokers/broker.js';
import { numbered, numberOf } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const latest = (waitMs = 0, consumer = 'a'): PopLatestRequest => ({ reader: 'r', consumer, waitMs });

async function pushEach(broker: Broker, values: readonly number[], bytes = 0): Promise<void> {
  for (const value of values) await broker.push('t', numbered(value, bytes));
}

/** The REALTIME half of the contract. */
export function realtimeConformance(harness: BrokerHarness): void {
  test('a reader takes the newest message and counts what it passed over', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r'] });
      await pushEach(broker, [1, 2, 3], 6_000);
      const first = await broker.popLatest('t', latest());
      expect(first && [numberOf(first), first.seq, first.payload.length]).toEqual([3, 3, 6_000]);
      expect(await broker.popLatest('t', latest())).toBeUndefined();
      await pushEach(broker, [4, 5]);
      const second = await broker.popLatest('t', latest());
      expect(second && numberOf(second)).toBe(5);
      // What is told with a message may be left out, and is never wrong.
      expect([first?.skipped ?? 2, second?.skipped ?? 1, second?.gone ?? 0]).toEqual([2, 1, 0]);
      expect((await broker.stats())[0]?.readers).toEqual({ r: { published: 5, delivered: 2, skipped: 3, waiting: 0 } });
    }));

  test('a waiting reader is woken by a push', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', readers: ['r'] });
      const other = await store.connect();
      const taken = broker.popLatest('t', latest(20_000));
      await other.push('t', numbered(7));
      const message = await taken;
      expect(message && numberOf(message)).toBe(7);
    }));

  test('a wait ends when its time is over, or its signal is aborted', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r'] });
      expect(await broker.popLatest('t', latest(20))).toBeUndefined();
      const abort = new AbortController();
      const taken = broker.popLatest('t', { ...latest(60_000), signal: abort.signal });
      abort.abort();
      expect(await taken).toBeUndefined();
    }));

  test('replicas never get a message twice, nor one older than another replica’s', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', readers: ['r'] });
      const other = await store.connect();
      const taken: number[] = [];
      for (let value = 1; value <= 20; value++) {
        await broker.push('t', numbered(value));
        const message = await (value % 2 === 0 ? broker : other).popLatest('t', latest(0, value % 2 === 0 ? 'a' : 'b'));
        const repeat = await (value % 2 === 0 ? other : broker).popLatest('t', latest(0, value % 2 === 0 ? 'b' : 'a'));
        expect(repeat).toBeUndefined();
        if (message) taken.push(numberOf(message));
      }
      expect(taken).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    }));

  test('a reader that joins late may take the newest message', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['early'] });
      await pushEach(broker, [1, 2, 3]);
      await broker.declare({ topic: 't', readers: ['r'] });
      const message = await broker.popLatest('t', latest());
      expect(message && numberOf(message)).toBe(3);
      expect((await broker.stats())[0]?.readers.r).toEqual({ published: 1, delivered: 1, skipped: 0, waiting: 0 });
    }));

  test('a reader that is dropped is forgotten with what only it needed', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r', 'other', 'more'] });
      await pushEach(broker, [1, 2, 3, 4, 5, 6], 5_000);
      await broker.popLatest('t', latest());
      await broker.dropReader('t', 'r');
      await broker.dropReader('t', 'more');
      await broker.dropReader('t', 'never');
      const other = await broker.popLatest('t', { reader: 'other', consumer: 'a', waitMs: 0 });
      expect(other && numberOf(other)).toBe(6);
      await expect(broker.popLatest('t', latest())).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
      await expect(broker.dropReader('nowhere', 'r')).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
      const [stats] = await broker.stats();
      expect(Object.keys(stats?.readers ?? {})).toEqual(['other']);
      expect(stats?.entries).toBeLessThanOrEqual(2);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('a topic that only readers use stores a few newest messages', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r'] });
      await pushEach(broker, [1, 2, 3, 4, 5, 6, 7, 8], 5_000);
      expect((await broker.stats())[0]?.entries).toBeLessThanOrEqual(2);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('one topic serves a reader and a group: the reader skips, the group gets all', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r'], groups: ['g'] });
      await pushEach(broker, [1, 2, 3], 5_000);
      const message = await broker.popLatest('t', latest());
      expect(message && numberOf(message)).toBe(3);
      const consumer = { group: 'g', consumer: 'a' };
      const all = await broker.pop('t', { ...consumer, count: 10, waitMs: 0 });
      expect(all.map(numberOf)).toEqual([1, 2, 3]);
      await broker.ack('t', consumer, all);
      expect((await broker.stats())[0]).toMatchObject({ published: 3, entries: 2 });
    }));
}
