import { QoS, System } from 'edgeflow';
import { expect, test } from 'vitest';
import { freshEmbedded, nodeFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();

// That it publishes once whatever is killed: outbox.long.test.ts, and D3 of the contract.
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
