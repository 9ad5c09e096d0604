import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRecord, writeRecord } from '#src/brokers/redis/record.js';
import { damaged } from '../../support/mutations.js';
import { plainOrCorrupt } from '../../support/plainOrCorrupt.js';

const message = fc.record({
  id: fc.string({ minLength: 1, maxLength: 40 }),
  time: fc.nat(),
  meta: fc.uint8Array({ maxLength: 40 }),
  payload: fc.uint8Array({ maxLength: 200 }),
});
const blobKey = fc.option(fc.constant('edgeflow:blob:t:nonce-1:an-id'), { nil: undefined });
const record = fc.tuple(message, blobKey).map(([sent, key]) => writeRecord(sent, key, 'token-1'));

test('a damaged record is MESSAGE_CORRUPT, or a message all the same', () => {
  const bytes = fc.oneof(
    damaged(record),
    fc.uint8Array({ maxLength: 200, size: 'max' }).map((any) => Buffer.from(any)),
  );
  fc.assert(
    fc.property(bytes, (stored) => {
      plainOrCorrupt(
        () => readRecord(7, stored),
        ({ seq, id, time, meta, body, blob, length }) => {
          expect(seq).toBe(7);
          expect([typeof id, typeof time]).toEqual(['string', 'number']);
          expect(meta).toBeInstanceOf(Uint8Array);
          expect(meta.length + (body?.length ?? 0)).toBeLessThanOrEqual(stored.length);
          // Exactly one of the two.
          expect([body, blob].filter((place) => place !== undefined)).toHaveLength(1);
          if (blob) expect([typeof blob, Number.isInteger(length)]).toEqual(['string', true]);
        },
      );
    }),
    { numRuns: 3_000 },
  );
});
