import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { numbered } from '../harness.js';
import { withStore } from '../conformance/withStore.js';
import type { ContractLine } from './prove.js';
import { drain, topicStats } from './support.js';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** D12. Payloads of all sizes; where the store lets its bytes be damaged, one bit of one payload is turned. */
export const integrity: ContractLine = {
  name: 'D12',
  statement: 'integrity: delivered bytes are the published bytes, else the message is dead-lettered as corrupt',
  property: (harness) =>
    fc.asyncProperty(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 4_097, max: 200_000 })), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      (sizes, damaged) =>
        withStore(harness, async ({ broker, store }) => {
          await broker.declare({ topic: 't', groups: ['g'] });
          const sent = sizes.map((bytes, value) => numbered(value, bytes));
          for (const message of sent) await broker.push('t', message);
          const hit = damaged ? await store.damage?.('t') : false;
          const received = await drain(broker, 't');
          const published = new Map(sent.map(({ id, payload }) => [id, digest(payload)]));
          for (const { id, seq, payload } of received)
            if (published.get(id) !== digest(payload)) throw new Error(`message ${seq} came with other bytes than were published`);
          const { deadLetters } = await topicStats(broker, 't');
          const expected = hit === true ? 1 : 0;
          if (deadLetters !== expected || received.length !== sent.length - expected)
            throw new Error(`${sent.length} published, ${expected} damaged: ${received.length} received, ${deadLetters} dead letters`);
          const corrupt = (await broker.deadLetters('t')).filter(({ error }) => error.startsWith('MESSAGE_CORRUPT'));
          if (corrupt.length !== expected) throw new Error(`${corrupt.length} dead letters say MESSAGE_CORRUPT; expected ${expected}`);
        }),
    ),
};
