import { numbered, numberOf } from 'edgeflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ticketRuns } from '#src/brokers/redis/ticketRuns.js';
import { useRedisPair } from '../../support/redisPair.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };

test('runs of tickets tell each of them, in order', () => {
  const ticket = fc.record({ seq: fc.integer({ min: 1, max: 6 }), token: fc.integer({ min: 1, max: 2 }) });
  const headOf = (seq: number): string => (seq > 4 ? `${seq}` : '89');
  fc.assert(
    fc.property(fc.array(ticket), (tickets) => {
      const told = ticketRuns(tickets, headOf).flatMap(([first, token, head, count]) =>
        Array.from({ length: count }, (_, i) => ({ seq: first + i, token, head })),
      );
      expect(told).toEqual(tickets.map((one) => ({ ...one, head: headOf(one.seq) })));
    }),
  );
});

test('those of a batch that differ in nothing but their seq are one run', () => {
  const tickets = Array.from({ length: 256 }, (_, i) => ({ seq: i + 10, token: 1 }));
  expect(ticketRuns(tickets, () => '89')).toEqual([[10, 1, '89', 256]]);
});

test('an ack in any order, with gaps, repetitions and tickets of before, settles what is its own', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  for (let value = 1; value <= 8; value++) await broker.push('t', numbered(value, value === 5 ? 10_000 : 1));
  const popped = await broker.pop('t', { ...me, count: 8, waitMs: 0 });
  const at = (seq: number): (typeof popped)[number] => popped[seq - 1] ?? expect.fail(`no message ${seq}`);
  await broker.release('t', me, [3]);
  const [third] = await broker.pop('t', { ...me, count: 1, waitMs: 0 });
  const stale = at(3);
  const tickets = [at(1), at(2), stale, at(4), at(5), at(7), at(7), at(6)];
  expect((await broker.ack('t', me, tickets)).fenced).toEqual([stale, at(7)]);
  expect(third && numberOf(third)).toBe(3);
  expect((await broker.stats())[0]).toMatchObject({ entries: 2, groups: { g: { acked: 6, open: 2 } } });
});

test('receipts of a batch with known ids, and of one that a full topic breaks off, are those of their messages', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'], maxBytes: 27, onFull: 'reject' });
  const [a, b, c, d, e] = [numbered(1, 1), numbered(2, 1), numbered(3, 1), numbered(4, 1), numbered(5, 1)];
  const first = await Promise.all([a, b, a, c].map((message) => broker.push('t', message)));
  expect(first).toEqual([
    { seq: 1, duplicate: false },
    { seq: 2, duplicate: false },
    { seq: 1, duplicate: true },
    { seq: 3, duplicate: false },
  ]);
  const second = await Promise.allSettled([b, a, d, e].map((message) => broker.push('t', message)));
  expect(second.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as { code: string }).code))).toEqual([
    { seq: 2, duplicate: true },
    { seq: 1, duplicate: true },
    'BROKER_FULL',
    'BROKER_FULL',
  ]);
});
