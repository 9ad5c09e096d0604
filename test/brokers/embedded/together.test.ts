import { numbered } from 'edgeflow/testing';
import { expect, onTestFinished, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { Store } from '#src/brokers/embedded/store.js';
import { freshDirectory } from '../../support/system.js';

test('what is pushed while others are on the way goes with them', async () => {
  const directory = freshDirectory();
  const broker = new EmbeddedBroker({ directory });
  const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
  onTestFinished(async () => {
    await store.release();
    await broker.close();
  });
  await broker.declare({ topic: 't', groups: ['g'] });
  const before = store.lastCommit;
  // As a source does that yields one value after the other, of which several may be under way.
  const under: Promise<unknown>[] = [];
  for (let value = 0; value < 640; value++) {
    await Promise.resolve();
    if (value >= 64) await under[value - 64];
    under.push(broker.push('t', numbered(value)));
  }
  await Promise.all(under);
  expect(store.lastCommit - before).toBeLessThan(20);
});
