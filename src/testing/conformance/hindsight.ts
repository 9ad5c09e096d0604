import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Broker, RangeRequest } from '../../brokers/broker.js';
import { TopicLog } from '../../brokers/memory/topicLog.js';
import type { OutgoingMessage, ReceivedMessage } from '../../message.js';
import { numbered, numberOf } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const a = { group: 'g', consumer: 'a' };

/** All that a topic stores, page by page. */
async function readAll(broker: Broker, topic: string, request: RangeRequest = {}): Promise<ReceivedMessage[]> {
  const all: ReceivedMessage[] = [];
  for (let after: number | undefined = request.after ?? 0; after !== undefined;) {
    const page = await broker.range(topic, { ...request, after });
    all.push(...page.messages);
    after = page.next;
  }
  return all;
}

const numbers = (messages: readonly ReceivedMessage[]): number[] => messages.map(numberOf);

/** A message that was made some seconds ago. */
function made(secondsAgo: number, value: number, bytes = 0): OutgoingMessage {
  return { ...numbered(value, bytes), time: Date.now() - secondsAgo * 1_000 };
}

async function bytesOf(broker: Broker): Promise<number> {
  return (await broker.stats())[0]?.bytes ?? 0;
}

/** What a topic retains of messages that nobody needs, and how all that it stores is read. */
export function hindsightConformance(harness: BrokerHarness): void {
  test('what all groups have acked, and readers have passed over, can be read again, in order and intact', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], readers: ['r'], retain: { seconds: 3_600 } });
      const sent = Array.from({ length: 12 }, (_, value) => numbered(value, value % 2 ? 6_000 : 10));
      for (const message of sent) await broker.push('t', message);
      const popped = await broker.pop('t', { ...a, count: 10, waitMs: 0 });
      // In another order than they came.
      for (const message of popped.toReversed()) await broker.ack('t', a, [message]);
      await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
      const all = await readAll(broker, 't');
      expect(all.map(({ seq, id, payload }) => [seq, id, Buffer.from(payload).toString('hex')])).toEqual(
        sent.map(({ id, payload }, index) => [index + 1, id, Buffer.from(payload).toString('hex')]),
      );
      expect((await broker.range('t')).retains).toBe(true);
    }));

  test('without retention, a range is what is still needed', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g', 'slow'] });
      for (let value = 0; value < 5; value++) await broker.push('t', numbered(value));
      for (const [group, count] of [
        ['g', 4],
        ['slow', 2],
      ] as const) {
        const consumer = { group, consumer: 'a' };
        await broker.ack('t', consumer, await broker.pop('t', { ...consumer, count, waitMs: 0 }));
      }
      expect(numbers(await readAll(broker, 't'))).toEqual([2, 3, 4]);
      expect(await broker.range('t', { after: 5 })).toEqual({ messages: [], next: undefined, retains: false });
      await expect(broker.range('nowhere')).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
    }));

  test('pages are bounded by messages, by bytes and by times, and follow each other without a gap', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', retain: { bytes: 1_000_000 } });
      for (let value = 0; value < 20; value++) await broker.push('t', made(100 - value, value, 5_992));
      expect(numbers((await broker.range('t', { limit: 3 })).messages)).toEqual([0, 1, 2]);
      expect(numbers((await broker.range('t', { maxBytes: 12_000 })).messages)).toEqual([0, 1]);
      expect(numbers((await broker.range('t', { maxBytes: 1 })).messages)).toEqual([0]);
      expect(numbers(await readAll(broker, 't', { limit: 3, after: 7 }))).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      const now = Date.now();
      expect(numbers(await readAll(broker, 't', { from: now - 95_500, to: now - 90_500, limit: 2 }))).toEqual([5, 6, 7, 8, 9]);
    }));

  test('no more bytes are retained than may be: the oldest go, in whatever order they were settled', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], retain: { bytes: 20_000 } });
      for (let value = 0; value < 6; value++) await broker.push('t', numbered(value, 5_992));
      const popped = await broker.pop('t', { ...a, count: 5, waitMs: 0 });
      for (const at of [3, 1, 4, 0]) await broker.ack('t', a, popped.slice(at, at + 1));
      // 0 was the oldest of four; 2 and 5 are needed.
      expect(numbers(await readAll(broker, 't'))).toEqual([1, 2, 3, 4, 5]);
      await broker.ack('t', a, popped.slice(2, 3));
      expect(numbers(await readAll(broker, 't'))).toEqual([2, 3, 4, 5]);
      await broker.declare({ topic: 't', retain: { bytes: 7_000 } });
      expect(numbers(await readAll(broker, 't'))).toEqual([4, 5]);
    }));

  test('what is older than the retention goes with the next publish, or with a sweep', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], retain: { seconds: 1_000 } });
      for (const [value, secondsAgo] of [5_000, 3_000, 900, 800].entries()) await broker.push('t', made(secondsAgo, value, 5_000));
      await broker.ack('t', a, await broker.pop('t', { ...a, count: 3, waitMs: 0 }));
      expect(numbers(await readAll(broker, 't'))).toEqual([0, 1, 2, 3]);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
      expect(numbers(await readAll(broker, 't'))).toEqual([2, 3]);
      await broker.declare({ topic: 't', retain: { seconds: 850 } });
      await broker.push('t', made(0, 4, 5_000));
      expect(numbers(await readAll(broker, 't'))).toEqual([3, 4]);
      expect(await bytesOf(broker)).toBe(2 * 5_008);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('what is retained gives way to what is published, and only then does a push wait or is rejected', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], maxBytes: 40_000, onFull: 'reject', retain: { bytes: 1_000_000 } });
      for (let value = 0; value < 12; value++) {
        await broker.push('t', numbered(value, 9_992));
        await broker.ack('t', a, await broker.pop('t', { ...a, count: 1, waitMs: 0 }));
        expect(await bytesOf(broker)).toBeLessThanOrEqual(50_000);
      }
      expect(numbers(await readAll(broker, 't'))).toEqual([8, 9, 10, 11]);
      for (let value = 12; value < 16; value++) await broker.push('t', numbered(value, 9_992));
      // All of it is needed now.
      await expect(broker.push('t', numbered(16, 9_992))).rejects.toMatchObject({ code: 'BROKER_FULL' });
      expect(numbers(await readAll(broker, 't'))).toEqual([12, 13, 14, 15]);
      expect(numbers(await broker.pop('t', { ...a, count: 9, waitMs: 0 }))).toEqual([12, 13, 14, 15]);
    }));

  test('an ack lets a waiting push go on, though its message is retained', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], maxBytes: 20_000, retain: { bytes: 1_000_000 } });
      await broker.push('t', numbered(0, 12_000));
      await broker.push('t', numbered(1, 12_000));
      const third = broker.push('t', numbered(2, 12_000));
      await broker.ack('t', a, await broker.pop('t', { ...a, count: 1, waitMs: 0 }));
      await third;
      expect(numbers(await readAll(broker, 't'))).toEqual([1, 2]);
    }));

  test('without a group, what is retained gives way before the newest do', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', readers: ['r'], maxBytes: 50_000, onFull: 'replace', retain: { bytes: 30_000 } });
      for (let value = 0; value < 9; value++) await broker.push('t', numbered(value, 9_992));
      expect(numbers(await readAll(broker, 't'))).toEqual([4, 5, 6, 7, 8]);
      await broker.push('t', numbered(9, 45_000));
      expect(numbers(await readAll(broker, 't'))).toEqual([9]);
      await broker.declare({ topic: 't', retain: { bytes: 0 } });
      expect((await broker.range('t')).retains).toBe(false);
    }));

  test('a message that is retained can be dead, given back, and settled again', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], retain: { bytes: 1_000_000 } });
      await broker.push('t', numbered(0, 6_000));
      const [message] = await broker.pop('t', { ...a, count: 1, waitMs: 0 });
      if (!message) throw new Error('a message expected');
      await broker.nack('t', a, message, { error: 'no' });
      expect(numbers(await readAll(broker, 't'))).toEqual([0]);
      expect(await broker.redrive('t', [1])).toBe(1);
      // Needed again: to keep nothing does not take it.
      await broker.declare({ topic: 't', retain: { bytes: 0 } });
      const again = await broker.pop('t', { ...a, count: 1, waitMs: 0 });
      expect(again.map(({ payload }) => payload.length)).toEqual([6_000]);
      await broker.ack('t', a, again);
      expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 0 });
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('what lost its payload, or is damaged, is passed over', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', readers: ['r'], retain: { bytes: 1_000_000 } });
      for (let value = 0; value < 3; value++) await broker.push('t', numbered(value, 6_000));
      if (await store.damage?.('t')) expect(await readAll(broker, 't')).toHaveLength(2);
      await store.lose?.('t');
      await broker.push('t', numbered(3, 6_000));
      expect(numbers(await readAll(broker, 't'))).toEqual(store.lose ? [3] : await readAll(broker, 't').then(numbers));
    }));

  test('reads while a producer goes on and the oldest are trimmed: in order, whole, and up to the newest', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', readers: ['r'], retain: { bytes: 100_000 } });
      const producer = await store.connect();
      let done = false;
      const producing = (async () => {
        for (let value = 1; value <= 40; value++) await producer.push('t', { ...numbered(value), payload: Buffer.alloc(9_000, value) });
        done = true;
      })();
      while (!done) {
        const all = await readAll(broker, 't', { limit: 5 });
        expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).sort((one, two) => one - two));
        expect(all.filter((message) => !Buffer.alloc(9_000, numberOf(message)).equals(message.payload))).toEqual([]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await producing;
      expect((await readAll(broker, 't')).at(-1)?.seq).toBe(40);
    }));

  test('random histories: a range is what the model retains', () => checkRetention(harness), 120_000);
}

type Step =
  | { readonly do: 'push'; readonly bytes: number; readonly secondsAgo: number }
  | { readonly do: 'pop' | 'ack' | 'dead' | 'redrive' | 'sweep' | 'latest' }
  | { readonly do: 'retain'; readonly bytes: number; readonly seconds: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      bytes: fc.constantFrom(0, 900, 5_000),
      secondsAgo: fc.constantFrom(0, 500, 5_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('pop' as const, 'ack' as const, 'ack' as const, 'dead' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('redrive' as const, 'sweep' as const, 'latest' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('retain' as const),
      bytes: fc.constantFrom(0, 2_000, 6_000, 1_000_000),
      seconds: fc.constantFrom(100, 1_000, 100_000),
    }),
  },
);

/**
 * Property of random histories: a broker stores what the model stores after each step, with messages of different ages in
 * place of a clock that moves.
 *
 * @throws Error with the seed and the shrunk history where it does not.
 */
async function checkRetention(harness: BrokerHarness): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 10, maxLength: 50, size: 'max' }),
      fc.constantFrom(['g'], []),
      fc.constantFrom(['r'], []),
      fc.constantFrom(20_000, 1_000_000),
      (history, groups, readers, maxBytes) =>
        withStore(harness, async ({ broker }) => {
          const model = new TopicLog('t', 10_000);
          const declare = async (retain: { bytes: number; seconds: number }): Promise<void> => {
            const declaration = { topic: 't', groups, readers, maxBytes, onFull: 'reject', retain } as const;
            await broker.declare(declaration);
            model.declare(declaration);
          };
          await declare({ bytes: 6_000, seconds: 1_000 });
          const held: Awaited<ReturnType<Broker['pop']>> = [];
          let pushed = 0;
          for (const step of history) {
            if (step.do === 'retain') await declare(step);
            else if (step.do === 'push') {
              const message = made(step.secondsAgo, pushed++, step.bytes);
              if (model.full) {
                await expect(broker.push('t', message)).rejects.toMatchObject({ code: 'BROKER_FULL' });
                continue;
              }
              await broker.push('t', message);
              model.push(message, Date.now());
            } else if (step.do === 'sweep') {
              await broker.sweep({ graceMs: 0 });
              model.trim(Date.now());
            } else if (step.do === 'redrive' && groups.length > 0) {
              const letters = model.deadLetters().map(({ letter }) => letter);
              expect(await broker.redrive('t', letters)).toBe(model.redrive(letters));
            } else if (step.do === 'latest' && readers.length > 0) {
              model.popLatest('r');
              await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
            } else if (step.do === 'pop' && groups.length > 0) {
              const expected = model.pop('g', 'a', 3, false, 0);
              const popped = await broker.pop('t', { ...a, count: 3, waitMs: 0 });
              expect(popped.map(({ seq, payload }) => [seq, payload.length])).toEqual(
                expected.map(({ seq, payload }) => [seq, payload.length]),
              );
              held.push(...popped);
            } else if (step.do === 'ack' || step.do === 'dead') {
              const message = held.splice(Math.floor(held.length / 2), 1)[0];
              if (message && step.do === 'ack') {
                await broker.ack('t', a, [message]);
                model.ack('g', 'a', message);
              } else if (message) {
                await broker.nack('t', a, message, { error: 'no' });
                model.nack('g', 'a', message, { error: 'no' }, 0, 0);
              }
            }
            expect((await readAll(broker, 't', { limit: 4 })).map(({ seq }) => seq)).toEqual(model.range().messages.map(({ seq }) => seq));
            const { entries, bytes } = model.stats();
            expect((await broker.stats())[0]).toMatchObject({ entries, bytes });
          }
          expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
        }),
    ),
    { numRuns: Math.min(30, harness.runs ?? 10) },
  );
}
