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
  await Promise.all([0, 1].map((value) => broker.push('t', numbered(value))));
  const entries = Reflect.get(Store.prototype, 'entries') as Store['entries'];
  vi.spyOn(Store.prototype, 'entries').mockImplementationOnce(async function (this: Store, ...args) {
    // The newest of a topic without groups is kept.
    await broker.dropGroup('t', 'g');
    return entries.apply(this, args);
  });
  expect((await broker.pop('t', { ...a, count: 9, waitMs: 0 })).map(numberOf)).toEqual([1]);
});
