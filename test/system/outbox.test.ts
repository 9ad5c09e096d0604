import { EmbeddedBroker, QoS, System } from 'edgeflow';
import { expect, test } from 'vitest';
import { killTransforms } from '../support/killTransforms.js';
import { freshDirectory, freshEmbedded, linkOf, nodeFile, range, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();

// The broker remembers next to no ids: what is published twice would be stored twice. Two Redises, and more kills: outbox.long.test.ts.
test('a node killed again and again publishes one message for each that it takes', async () => {
  const { ledger, sunk, restarts } = await killTransforms(new EmbeddedBroker({ directory: freshDirectory(), dedupeWindow: 1 }), 4, folder);
  const { published } = linkOf(ledger, 'source', 'transform');
  expect(linkOf(ledger, 'source', 'transform')).toMatchObject({ acked: published, dead: 0, pending: 0 });
  expect(linkOf(ledger, 'transform', 'sink')).toMatchObject({ published, acked: published, dead: 0, pending: 0 });
  expect(sunk).toEqual(range(published));
  expect(restarts).toBe(4);
}, 90_000);

test('a node counts what it published when the broker has it', async () => {
  const system = new System('counted');
  const source = system.node(nodeFile('counter'), { name: 'source', count: 40 });
  const transform = system.node(nodeFile('recorder'), { name: 'transform', file: folder.path('taken') });
  const sink = system.node(nodeFile('recorder'), { name: 'sink', file: folder.path('all') });
  system.link(source).to(transform, QoS.DURABLE).to(sink, QoS.DURABLE);
  const running = await system.run({ broker: freshEmbedded(), handleSignals: false, onLog: () => undefined });
  await running.done;
  const counts = running.status().map(({ node, report }) => [node, report?.published]);
  expect(counts).toEqual([
    ['source', 40],
    ['transform', 40],
    ['sink', 0],
  ]);
});
