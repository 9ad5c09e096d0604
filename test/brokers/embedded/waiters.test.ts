import { EmbeddedBroker } from 'edgeflow';
import { expect, test } from 'vitest';
import { freshDirectory, range } from '../../support/system.js';

test('a client may wait for many topics at once', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const broker = new EmbeddedBroker({ directory: freshDirectory() });
  const topics = range(20).map((n) => `camera-${n}`);
  for (const topic of topics) await broker.declare({ topic, groups: ['all'] });
  await Promise.all(topics.map((topic) => broker.pop(topic, { group: 'all', consumer: 'one', count: 1, waitMs: 30 })));
  await broker.close();
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
