import fc from 'fast-check';
import { test } from 'vitest';
import { numbered, numberOf } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

/** Times that a consumer finds nothing before it stops: others may still hand back. */
const emptyLooks = 3;

/**
 * Property of interleavings: whatever the order in which the replies of producers, replicas and readers arrive, each message
 * is acked by one replica, and no reader takes one twice or goes back.
 *
 * @throws Error with the seed and the shrunk schedule where it does not hold.
 */
async function checkInterleavings(harness: BrokerHarness): Promise<void> {
  const size = fc.integer({ min: 1, max: 4 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 12 }), size, size, (scheduler, count, replicas, prefetch) =>
      withStore(harness, async ({ broker }) => {
        await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
        const acked: number[] = [];
        const taken: number[] = [];
        let published = 0;
        const push = scheduler.scheduleFunction(async (value: number) => {
          await broker.push('t', numbered(value));
          published++;
        });
        const pop = scheduler.scheduleFunction((consumer: string) => broker.pop('t', { group: 'g', consumer, count: prefetch, waitMs: 0 }));
        const ack = scheduler.scheduleFunction(broker.ack.bind(broker));
        const latest = scheduler.scheduleFunction(async (consumer: string) => {
          const message = await broker.popLatest('t', { reader: 'r', consumer, waitMs: 0 });
          // In the order in which the broker gave them, not in that of the replies.
          if (message) taken.push(message.seq);
        });
        const produce = async (): Promise<void> => {
          await Promise.all(Array.from({ length: count }, (_, value) => push(value)));
        };
        const consume = async (consumer: string): Promise<void> => {
          for (let looks = 0; looks < emptyLooks || published < count; looks++) {
            await latest(consumer);
            const messages = await pop(consumer);
            if (messages.length > 0) looks = 0;
            const { fenced } = await ack('t', { group: 'g', consumer }, messages);
            if (fenced.length > 0) throw new Error(`an ack of '${consumer}' was fenced`);
            acked.push(...messages.map(numberOf));
          }
        };
        await scheduler.waitFor(Promise.all([produce(), ...Array.from({ length: replicas }, (_, index) => consume(`c${index}`))]));
        const sorted = [...acked].sort((one, two) => one - two);
        if (sorted.join() !== Array.from({ length: count }, (_, value) => value).join())
          throw new Error(`0 to ${count - 1} published, ${sorted.join()} acked`);
        if (taken.some((seq, index) => index > 0 && seq <= (taken[index - 1] ?? 0))) throw new Error(`the reader took ${taken.join()}`);
      }),
    ),
    { numRuns: harness.runs ?? 30 },
  );
}

/** The property as a test. */
export function interleavingConformance(harness: BrokerHarness): void {
  test('any order of replies: each message is acked once, and no reader goes back', () => checkInterleavings(harness), 120_000);
}
