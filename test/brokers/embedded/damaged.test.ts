import { numbered } from 'edgeflow/testing';
import fc from 'fast-check';
import { open } from 'lmdb';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeDeadLetter, encodeDeadLetter } from '#src/brokers/embedded/deadLetters.js';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { encodeEntry } from '#src/brokers/embedded/entry.js';
import { decodeIds, encodeIds } from '#src/brokers/embedded/recentIds.js';
import {
  consumerRecord,
  failureRecord,
  groupRecord,
  readerRecord,
  sessionRecord,
  spaceRecord,
  storeRecord,
  topicRecord,
} from '#src/brokers/embedded/records.js';
import type { RecordCodec } from '#src/brokers/embedded/records.js';
import { openTables } from '#src/brokers/embedded/tables.js';
import type { Tables } from '#src/brokers/embedded/tables.js';
import { damaged } from '../../support/mutations.js';
import { plainOrCorrupt } from '../../support/plainOrCorrupt.js';
import { temporaryStore } from './harness.js';

const message = { id: 'an-id', time: 1_795_443_259_123, meta: Buffer.from([0x91, 1]), payload: Buffer.from('payload') };

const letterFacts = {
  seq: 7,
  token: 5,
  group: 'g',
  error: 'no',
  stack: 'at x',
  attempts: 5,
  firstTime: 1,
  deadTime: 2,
  payloadKey: undefined,
  checksum: 1,
};

describe('damaged bytes are MESSAGE_CORRUPT, or what was stored in form', () => {
  test('dead letters', () => {
    const entry = Buffer.from(encodeEntry({ message, payloadKey: undefined, checksum: 1 }));
    const whole = encodeDeadLetter({ ...message, ...letterFacts, bytes: 9 }, undefined);
    const header = fc.constant(whole.subarray(0, whole.length - entry.length));
    fc.assert(
      fc.property(damaged(header), (head) => {
        plainOrCorrupt(
          () => decodeDeadLetter(Buffer.concat([head, entry])),
          ({ seq, group, error, attempts, deadTime }) => {
            expect([seq, attempts, deadTime].every(Number.isFinite)).toBe(true);
            expect([typeof group, typeof error]).toEqual(['string', 'string']);
          },
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test('published ids', () => {
    const rows = fc.oneof(
      damaged(fc.array(fc.string(), { maxLength: 20 }).map(encodeIds)),
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(rows, (bytes) => {
        plainOrCorrupt(
          () => decodeIds(bytes),
          (ids) => {
            expect(ids.every((id) => typeof id === 'string')).toBe(true);
          },
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['store', storeRecord, 3],
    ['topic', topicRecord, 16],
    ['group', groupRecord, 11],
    ['reader', readerRecord, 4],
    ['consumer', consumerRecord, 2],
    ['session', sessionRecord, 2],
    ['failure', failureRecord, 1],
    ['space', spaceRecord, 2],
  ] as const)('%s records', (_, codec, fields) => {
    const valid = fc
      .array(fc.nat(), { minLength: fields, maxLength: fields })
      .map((numbers) => Buffer.from(Float64Array.from(numbers).buffer));
    // Each field by its own name: what was read is written as it was.
    const numbered = Buffer.from(Float64Array.from({ length: fields }, (_, index) => index + 1).buffer);
    expect((codec as RecordCodec<unknown>).encode(codec.decode(numbered))).toEqual(numbered);
    fc.assert(
      fc.property(fc.oneof(damaged(valid), fc.uint8Array({ maxLength: 100, size: 'max' })), (bytes) => {
        plainOrCorrupt(
          () => codec.decode(bytes),
          (record) => {
            expect(Object.values(record).some(Number.isNaN)).toBe(false);
            expect(Object.keys(record)).toHaveLength(fields);
          },
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Puts bytes in place of the first row of a table. */
async function spoil(directory: string, table: keyof Tables, bytes: Uint8Array): Promise<void> {
  const control = open<Uint8Array, Uint8Array>({
    path: path.join(directory, 'control.mdb'),
    noSubdir: true,
    maxDbs: 20,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  const rows = openTables(control)[table];
  for (const key of [...rows.getKeys({ limit: 1 })]) rows.putSync(key, bytes);
  await control.close();
}

describe('a damaged store fails the call, not the process', () => {
  const consumer = { group: 'g', consumer: 'a' };

  test('what a pop cannot read stays with nobody', async () => {
    const directory = temporaryStore();
    try {
      const before = new EmbeddedBroker({ directory });
      await before.declare({ topic: 't', groups: ['g'] });
      await before.push('t', numbered(0));
      await before.close();
      await spoil(directory, 'entries', Buffer.from([1, 2, 3]));
      const broker = new EmbeddedBroker({ directory });
      for (const name of ['a', 'b'])
        await expect(broker.pop('t', { group: 'g', consumer: name, count: 1, waitMs: 0 })).rejects.toMatchObject({
          code: 'MESSAGE_CORRUPT',
        });
      await broker.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each<[keyof Tables, (broker: EmbeddedBroker) => Promise<unknown>]>([
    ['topics', (broker) => broker.pop('t', { ...consumer, count: 1, waitMs: 0 })],
    ['topics', (broker) => broker.push('t', numbered(2))],
    ['topics', (broker) => broker.stats()],
    ['groups', (broker) => broker.pop('t', { ...consumer, count: 1, waitMs: 0 })],
    ['readers', (broker) => broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 })],
    ['recent', (broker) => broker.push('t', numbered(2))],
    ['dead', (broker) => broker.deadLetters('t')],
    ['open', (broker) => broker.pop('t', { ...consumer, count: 1, waitMs: 0 })],
    ['consumers', (broker) => broker.pop('t', { ...consumer, count: 1, waitMs: 0 })],
  ])('%s', async (table, call) => {
    const directory = temporaryStore();
    try {
      const before = new EmbeddedBroker({ directory });
      await before.declare({ topic: 't', groups: ['g'], readers: ['r'] });
      await Promise.all([before.push('t', numbered(0)), before.push('t', numbered(1))]);
      const [first] = await before.pop('t', { ...consumer, count: 2, waitMs: 0 });
      if (!first) throw new Error('a message expected');
      await before.nack('t', consumer, first, { error: 'no' });
      await before.close();
      await spoil(directory, table, Buffer.from([1, 2, 3]));
      const broker = new EmbeddedBroker({ directory });
      await expect(Promise.resolve().then(() => call(broker))).rejects.toMatchObject({ code: 'MESSAGE_CORRUPT' });
      await broker.reset();
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(3));
      await broker.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
