import { numbered, numberOf } from 'edgeflow/testing';
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { Store } from '#src/brokers/embedded/store.js';
import { temporaryStore } from './harness.js';

const a = { group: 'g', consumer: 'a' };
let directory: string;
let broker: EmbeddedBroker;

beforeEach(() => {
  directory = temporaryStore();
  broker = new EmbeddedBroker({ directory });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

test('what is freed between the transaction of a pop and its reading is not delivered', async () => {
  await broker.declare({ topic: 't', groups: ['g'] });
  // Fewer would be read within the transaction.
  const values = Array.from({ length: 20 }, (_, value) => value);
  await Promise.all(values.map((value) => broker.push('t', numbered(value))));
  // All clients of a process share it.
  const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
  const read = store.entries.bind(store);
  vi.spyOn(store, 'entries').mockImplementationOnce(async (...request) => {
    // The newest of a topic without groups is kept.
    await broker.dropGroup('t', 'g');
    return read(...request);
  });
  expect((await broker.pop('t', { ...a, count: 99, waitMs: 0 })).map(numberOf)).toEqual([19]);
  await store.release();
});
