import { expect, test } from 'vitest';
import { numbered, numberOf, until } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const a = { group: 'g', consumer: 'a' };

/** What is kept, and what ends it. */
export function retentionConformance(harness: BrokerHarness): void {
  test('a dropped group frees what only it needed, and lets waiting pushes go on', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g', 'gone'], maxBytes: 20_000 });
      await broker.push('t', numbered(1, 12_000));
      await broker.push('t', numbered(2, 12_000));
      await broker.ack('t', a, await broker.pop('t', { ...a, count: 1, waitMs: 0 }));
      await broker.pop('t', { group: 'gone', consumer: 'a', count: 1, waitMs: 0 });
      const third = broker.push('t', numbered(3, 12_000));
      expect(await broker.dropGroup('t', 'gone')).toBe(2);
      await third;
      const topic = (await broker.stats())[0];
      expect(Object.keys(topic?.groups ?? {})).toEqual(['g']);
      expect((await broker.pop('t', { ...a, count: 9, waitMs: 5_000 })).map(numberOf)).toEqual([2, 3]);
      await expect(broker.pop('t', { group: 'gone', consumer: 'a', count: 1, waitMs: 0 })).rejects.toMatchObject({
        code: 'TOPIC_UNDECLARED',
      });
      await expect(broker.dropGroup('t', 'gone')).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('a group that was dropped and declared again begins with the next message', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      await broker.pop('t', { ...a, count: 1, waitMs: 0 });
      await broker.dropGroup('t', 'g');
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(2));
      expect((await broker.pop('t', { ...a, count: 9, waitMs: 5_000 })).map(numberOf)).toEqual([2]);
      expect((await broker.stats())[0]?.groups.g).toEqual({ published: 1, acked: 0, dead: 0, open: 1, unread: 0 });
    }));

  test('letters of a dropped group stay to be read, and are not given to a later one of its name', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1, 6_000));
      const [message] = await broker.pop('t', { ...a, count: 1, waitMs: 0 });
      if (!message) throw new Error('a message expected');
      await broker.nack('t', a, message, { error: 'no' });
      await broker.dropGroup('t', 'g');
      expect(await broker.redrive('t', [1])).toBe(0);
      await broker.declare({ topic: 't', groups: ['g'] });
      expect(await broker.redrive('t', [1])).toBe(0);
      expect((await broker.deadLetters('t')).map(({ payload }) => payload.length)).toEqual([6_000]);
      expect((await broker.stats())[0]?.groups.g).toEqual({ published: 0, acked: 0, dead: 0, open: 0, unread: 0 });
      expect(await broker.dropDeadLetters('t', [1])).toBe(1);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('a topic that replaces takes no group, in either order of declaration', () =>
    withStore(harness, async ({ broker }) => {
      await expect(broker.declare({ topic: 't', groups: ['g'], onFull: 'replace' })).rejects.toMatchObject({ code: 'BROKER_CONFIG' });
      await broker.declare({ topic: 'u', readers: ['r'], onFull: 'replace' });
      await expect(broker.declare({ topic: 'u', groups: ['g'] })).rejects.toMatchObject({ code: 'BROKER_CONFIG' });
      await broker.declare({ topic: 'v', groups: ['g'] });
      await expect(broker.declare({ topic: 'v', onFull: 'replace' })).rejects.toMatchObject({ code: 'BROKER_CONFIG' });
    }));

  test('a topic without a group stays within its bytes: the newest takes the place of the others', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r', 's', 'x', 'y'], maxBytes: 25_000, onFull: 'replace' });
      for (let value = 1; value <= 12; value++) {
        await broker.push('t', numbered(value, 9_992));
        expect((await broker.stats())[0]?.bytes).toBeLessThanOrEqual(25_000);
      }
      const newest = await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
      expect(newest && numberOf(newest)).toBe(12);
      await broker.push('t', numbered(13, 60_000));
      expect((await broker.stats())[0]).toMatchObject({ entries: 1 });
      const large = await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
      expect(large?.payload.length).toBe(60_000);
      await until('what was replaced is gone', async () => (await broker.sweep({ graceMs: 0 })).orphans === 0);
    }));

  test('an id that is known is answered at once, though its topic is full', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], maxBytes: 5_000 });
      const message = numbered(1, 9_000);
      await broker.push('t', message);
      expect(await broker.push('t', message)).toEqual({ seq: 1, duplicate: true });
    }));
}
