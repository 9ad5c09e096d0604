import fc from 'fast-check';
import { lastValueFrom } from 'rxjs';
import { mapAsync } from '../../flow/mapAsync.js';
import { fromBroker } from '../../flow/fromBroker.js';
import { retryDelay } from '../../flow/retry.js';
import { QoS } from '../../qos.js';
import { encodeValue } from '../../codec.js';
import { numbered, numberOf, until } from '../harness.js';
import { withStore } from '../conformance/withStore.js';
import type { ContractLine } from './prove.js';
import { a, crash, groupStats } from './support.js';

/** D6. One consumer that takes one message at a time, fails, and dies. */
export const strictOrder: ContractLine = {
  name: 'D6',
  statement: 'order: with prefetch 1 and one replica, commits follow the order of publication, across redelivery',
  property: (harness) =>
    fc.asyncProperty(
      fc.integer({ min: 1, max: 15 }),
      fc.array(fc.constantFrom('ack' as const, 'fail' as const, 'crash' as const), { maxLength: 30 }),
      (count, outcomes) =>
        withStore(harness, async ({ broker, store }) => {
          await broker.declare({ topic: 't', groups: ['g'] });
          await Promise.all(Array.from({ length: count }, (_, value) => broker.push('t', numbered(value))));
          let consumer = await store.connect();
          const committed: number[] = [];
          const queue = [...outcomes];
          while (committed.length < count) {
            const [message] = await consumer.pop('t', { ...a, count: 1, waitMs: 5_000, strict: true });
            if (!message) throw new Error('nothing came, though messages are left');
            if ((await consumer.pop('t', { ...a, count: 1, waitMs: 0, strict: true })).length > 0)
              throw new Error(`a message came while message ${message.seq} was open`);
            const outcome = queue.shift() ?? 'ack';
            if (outcome === 'crash') consumer = await crash(consumer, store, 't');
            else if (outcome === 'fail') await consumer.nack('t', a, message, { error: 'again', retryAfterMs: 1 });
            else if ((await consumer.ack('t', a, [message])).fenced.length === 0) committed.push(numberOf(message));
          }
          const expected = Array.from({ length: count }, (_, value) => value);
          if (committed.join() !== expected.join()) throw new Error(`committed ${committed.join()}`);
        }),
    ),
};

/** D7. Messages that fail a number of times, among others; through `fromBroker`, which decides on retries. */
export const poison: ContractLine = {
  name: 'D7',
  statement: 'poison: a message that fails maxDeliveries times becomes exactly one dead letter, with backoff between; later ones go on',
  share: 0.5,
  property: (harness) =>
    fc.asyncProperty(
      fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 9), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      (failures, maxDeliveries) =>
        withStore(harness, async ({ broker }) => {
          await broker.declare({ topic: 't', groups: ['g'] });
          const retry = { maxDeliveries, initialMs: 4, factor: 2, jitter: 0.5 };
          const attempts = new Map<number, number[]>();
          const stop = new AbortController();
          const completed = lastValueFrom(
            fromBroker<number>('t', QoS.DURABLE, { broker, group: 'g', consumer: 'a', retry, stop: stop.signal }).pipe(
              mapAsync((value) => {
                const times = attempts.get(value) ?? [];
                times.push(performance.now());
                attempts.set(value, times);
                if (times.length <= (failures[value] ?? 0)) throw new Error(`failure ${times.length} of ${value}`);
              }),
            ),
            { defaultValue: undefined },
          );
          for (const value of failures.keys()) await broker.push('t', { ...numbered(value), ...encodeValue(value) });
          await until('every message is acked or dead', async () => {
            const { acked, dead } = await groupStats(broker, 't', 'g');
            return acked + dead >= failures.length;
          });
          stop.abort();
          await completed;
          const letters = await broker.deadLetters('t');
          for (const [value, times] of failures.entries()) {
            const expected = times >= maxDeliveries ? 1 : 0;
            const found = letters.filter(({ seq }) => seq === value + 1);
            if (found.length !== expected)
              throw new Error(`${value} fails ${times} times of ${maxDeliveries}: ${found.length} dead letters`);
            if (expected === 1 && found[0]?.attempts !== maxDeliveries)
              throw new Error(`${value} was tried ${String(found[0]?.attempts)} times; expected ${maxDeliveries}`);
            const tries = attempts.get(value) ?? [];
            for (const [index, time] of tries.slice(1).entries()) {
              const least = retryDelay(index + 1, retry, 1) ?? 0;
              const waited = time - (tries[index] ?? 0);
              // Timers of the platform may fire a millisecond early.
              if (waited < least - 1.5) throw new Error(`${value} came again after ${waited.toFixed(1)} ms; expected at least ${least}`);
            }
          }
        }),
    ),
};
