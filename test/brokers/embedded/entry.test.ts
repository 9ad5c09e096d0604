import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeDeadLetter, encodeDeadLetter } from '#src/brokers/embedded/deadLetters.js';
import { decodeEntry, encodeEntry, entryCost } from '#src/brokers/embedded/entry.js';
import { payloadKeyBytes } from '#src/brokers/embedded/payloadKey.js';
import { damaged } from '../../support/mutations.js';
import { plainOrCorrupt } from '../../support/plainOrCorrupt.js';

const message = fc.record({
  id: fc.string({ minLength: 1, maxLength: 40 }),
  time: fc.nat(),
  meta: fc.uint8Array({ maxLength: 40 }),
  payload: fc.uint8Array({ maxLength: 200 }),
});
const payloadKey = fc.option(
  fc.uint8Array({ minLength: payloadKeyBytes, maxLength: payloadKeyBytes }).map((key) => Buffer.from(key)),
  { nil: undefined },
);
const entry = fc.tuple(message, payloadKey).map(([sent, payloadKey]) => encodeEntry({ message: sent, payloadKey, checksum: 1 }));

/** Any bytes, or those of an entry that were damaged. */
const bytes = fc.oneof(
  damaged(entry),
  fc.uint8Array({ maxLength: 200, size: 'max' }).map((any) => Buffer.from(any)),
);

function expectEntry(read: ReturnType<typeof decodeEntry>, length: number): void {
  expect([typeof read.id, typeof read.time, typeof read.bytes]).toEqual(['string', 'number', 'number']);
  expect(read.meta).toBeInstanceOf(Uint8Array);
  expect(read.payload).toBeInstanceOf(Uint8Array);
  expect(read.meta.length + read.payload.length).toBeLessThanOrEqual(length);
  if (read.payloadKey) expect(read.payloadKey).toHaveLength(payloadKeyBytes);
}

test('a damaged entry is MESSAGE_CORRUPT, or a message all the same', () => {
  fc.assert(
    fc.property(bytes, (stored) => {
      plainOrCorrupt(
        () => decodeEntry(stored),
        (read) => {
          expectEntry(read, stored.length);
        },
      );
    }),
    { numRuns: 3_000 },
  );
});

test('so is the cost of one', () => {
  fc.assert(
    fc.property(bytes, (stored) => {
      plainOrCorrupt(
        () => entryCost(stored),
        (cost) => {
          expect(typeof cost.bytes).toBe('number');
          if (cost.payloadKey) expect(cost.payloadKey).toHaveLength(payloadKeyBytes);
        },
      );
    }),
    { numRuns: 3_000 },
  );
});

const letterFacts = { seq: 7, token: 5, group: 'g', error: 'no', stack: undefined, attempts: 5, firstTime: 1, deadTime: 2, checksum: 1 };

test('so is a dead letter', () => {
  const letter = fc
    .tuple(message, payloadKey)
    .map(([sent, key]) =>
      encodeDeadLetter({ ...sent, ...letterFacts, payloadKey: key, bytes: sent.meta.length + sent.payload.length }, key),
    );
  fc.assert(
    fc.property(damaged(letter), (stored) => {
      plainOrCorrupt(
        () => decodeDeadLetter(stored),
        (read) => {
          expectEntry(read, stored.length);
        },
      );
    }),
    { numRuns: 3_000 },
  );
});
