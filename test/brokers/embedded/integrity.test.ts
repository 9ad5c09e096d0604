import { numbered, numberOf } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { embeddedStore } from './harness.js';

const a = { group: 'g', consumer: 'a' };

test.each(['process', 'power'] as const)(
  'a bit that turned in the data file makes its message a dead letter, and the next one comes: durability %s',
  async (durability) => {
    const store = await embeddedStore({ durability });
    try {
      const broker = await store.connect();
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1, 100_000));
      expect(await store.damage?.('t')).toBe(true);
      await broker.push('t', numbered(2, 100_000));
      expect((await broker.pop('t', { ...a, count: 9, waitMs: 0 })).map(numberOf)).toEqual([2]);
      const letters = await broker.deadLetters('t');
      expect(letters.map(({ seq, error }) => [seq, error])).toEqual([
        [1, expect.stringMatching(/^MESSAGE_CORRUPT: message '.*': the stored bytes are not those that were published$/)],
      ]);
      expect(letters[0]?.payload).toHaveLength(100_000);
    } finally {
      await store.dispose();
    }
  },
);
