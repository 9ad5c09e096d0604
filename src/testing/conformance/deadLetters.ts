import { expect, test } from 'vitest';
import type { Broker, GroupConsumer } from '../../brokers/broker.js';
import { numbered, numberOf } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const a: GroupConsumer = { group: 'g', consumer: 'a' };

/** Publishes messages and gives each up at once. */
async function bury(broker: Broker, values: readonly number[], bytes = 0): Promise<void> {
  for (const value of values) await broker.push('t', numbered(value, bytes));
  for (const message of await broker.pop('t', { ...a, count: values.length, waitMs: 0 }))
    await broker.nack('t', a, message, { error: `no ${numberOf(message)}`, stack: `Error: no\n  at ${numberOf(message)}` });
}

/** What becomes of messages that were given up. */
export function deadLetterConformance(harness: BrokerHarness): void {
  test('a dead letter tells its error, stack, attempts, first and last failure', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      const message = numbered(1, 6_000);
      await broker.push('t', message);
      const before = Date.now();
      const [first] = await broker.pop('t', { ...a, count: 1, waitMs: 0 });
      if (!first) throw new Error('a message expected');
      await broker.nack('t', a, first, { error: 'once', retryAfterMs: 30 });
      const [second] = await broker.pop('t', { ...a, count: 1, waitMs: 10_000 });
      if (!second) throw new Error('a second delivery expected');
      await broker.nack('t', a, second, { error: 'twice', stack: 'Error: twice\n  at work' });
      const [letter] = await broker.deadLetters('t');
      expect(letter).toMatchObject({ letter: 1, id: message.id, seq: 1, group: 'g', error: 'twice', attempts: 2 });
      expect(letter?.stack).toBe('Error: twice\n  at work');
      // Clocks of two machines may differ; here it is one.
      expect(letter?.firstTime).toBeGreaterThanOrEqual(before - 1_000);
      expect(letter?.deadTime).toBeGreaterThan(letter?.firstTime ?? Infinity);
    }));

  test('dead letters are listed in part, by their numbers', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await bury(broker, [1, 2, 3, 4, 5]);
      expect((await broker.deadLetters('t', { after: 1, limit: 2 })).map(({ letter }) => letter)).toEqual([2, 3]);
      expect(await broker.dropDeadLetters('t', [2, 4, 99])).toBe(2);
      expect((await broker.deadLetters('t')).map(({ letter }) => letter)).toEqual([1, 3, 5]);
      await bury(broker, [6]);
      expect((await broker.deadLetters('t', { after: 3 })).map(({ letter }) => letter)).toEqual([5, 6]);
      expect((await broker.stats())[0]).toMatchObject({ deadLetters: 4, groups: { g: { dead: 6, open: 0 } } });
    }));

  test('a re-driven letter is delivered again to its group alone, with its bytes, as if for the first time', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g', 'h'] });
      await bury(broker, [1, 2], 7_000);
      const buried = await broker.deadLetters('t');
      const other = await broker.pop('t', { group: 'h', consumer: 'a', count: 9, waitMs: 0 });
      await broker.ack('t', { group: 'h', consumer: 'a' }, other);
      expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0 });
      expect(await broker.redrive('t', [2, 99])).toBe(1);
      const again = await broker.pop('t', { ...a, count: 9, waitMs: 5_000 });
      expect(again.map(({ seq, attempt, id }) => [seq, attempt, id])).toEqual([[2, 1, buried[1]?.id]]);
      expect(Buffer.compare(again[0]?.payload ?? Buffer.of(1), buried[1]?.payload ?? Buffer.of(2))).toBe(0);
      expect((await broker.stats())[0]).toMatchObject({ deadLetters: 1, groups: { g: { dead: 1, open: 1 }, h: { acked: 2, open: 0 } } });
      expect((await broker.ack('t', a, again)).fenced).toEqual([]);
      expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, groups: { g: { acked: 1, dead: 1, open: 0 } } });
      expect(await broker.redrive('t', [2])).toBe(0);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('a ticket of before the re-drive is fenced', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      const early = await broker.pop('t', { ...a, count: 1, waitMs: 0 });
      const [first] = early;
      if (!first) throw new Error('a message expected');
      await broker.nack('t', a, first, { error: 'no' });
      await broker.redrive('t', [1]);
      const late = await broker.pop('t', { ...a, count: 1, waitMs: 5_000 });
      expect((await broker.ack('t', a, early)).fenced).toHaveLength(1);
      expect((await broker.ack('t', a, late)).fenced).toHaveLength(0);
    }));

  test('dropped letters leave no bytes behind', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await bury(broker, [1, 2, 3], 20_000);
      expect(await broker.dropDeadLetters('t', [1, 2, 3])).toBe(3);
      expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 0 });
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));
}
