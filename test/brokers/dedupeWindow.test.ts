import { DualRedisBroker, EmbeddedBroker, MemoryBroker } from 'edgeflow';
import type { Broker } from 'edgeflow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freshDirectory } from '../support/system.js';

const dedupeWindow = 5;

/** What the contract says of ids: the last `window` of a topic are known, and no others. */
function expectedReceipts(ids: readonly string[]): { seq: number; duplicate: boolean }[] {
  const seqOf = new Map<string, number>();
  let head = 0;
  return ids.map((id) => {
    const known = seqOf.get(id);
    if (known !== undefined && known > head - dedupeWindow) return { seq: known, duplicate: true };
    seqOf.set(id, ++head);
    return { seq: head, duplicate: false };
  });
}

/** Ids of messages, in batches that are pushed at once. */
const batches = fc.array(fc.array(fc.integer({ min: 0, max: 9 }).map(String), { minLength: 1, maxLength: 12 }), { maxLength: 8 });

describe.each<[string, () => Broker | Promise<Broker>]>([
  ['memory', () => new MemoryBroker({ dedupeWindow })],
  ['embedded', () => new EmbeddedBroker({ directory: freshDirectory(), dedupeWindow })],
  ['two Redises', () => DualRedisBroker.local({ dedupeWindow })],
])('%s', (_, connect) => {
  test.each([
    ['with a group', ['g']],
    ['without', []],
  ])('the last ids of a topic are known, and no others: %s', async (_name, groups) => {
    const broker = await connect();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(batches, async (given) => {
        const topic = `t${count++}`;
        await broker.declare({ topic, groups });
        const receipts = [];
        for (const ids of given) {
          const pushed = ids.map((id) => broker.push(topic, { id, time: 0, meta: Buffer.alloc(0), payload: Buffer.alloc(3) }));
          receipts.push(...(await Promise.all(pushed)));
        }
        expect(receipts).toEqual(expectedReceipts(given.flat()));
      }),
      { numRuns: 60 },
    );
    await broker.close();
  });
});
