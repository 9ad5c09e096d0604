import { DualRedisBroker, EmbeddedBroker, QoS, System } from 'edgeflow';
import type { Broker, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { freshDirectory, freshEmbedded, linkOf, nodeFile, range, readLines, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
let running: RunningSystem | undefined;

afterEach(() => running?.stop());

const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

// The broker remembers next to no ids: what is published twice would be stored twice.
const dedupeWindow = 1;

describe.each<[string, () => Broker]>([
  ['embedded', () => new EmbeddedBroker({ directory: freshDirectory(), dedupeWindow })],
  ['two Redises', () => DualRedisBroker.local({ dedupeWindow })],
])('%s', (_, makeBroker) => {
  test('a node killed again and again publishes one message for each that it takes', async () => {
    const system = new System('once');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 2 });
    const transform = system.node(nodeFile('recorder'), { name: 'transform', replicas: 2, file: folder.path('taken'), workMs: 2 });
    const sink = system.node(nodeFile('recorder'), { name: 'sink', file: folder.path('all') });
    system
      .link(source)
      .to(transform, QoS.DURABLE, { prefetch: 16, retry: { maxDeliveries: 100 } })
      .to(sink, QoS.DURABLE);
    const started = (running = await system.run({ broker: makeBroker(), handleSignals: false, drainMs: 60_000, onLog: () => undefined }));
    const replica = (index: number) => started.status().filter(({ node }) => node === 'transform')[index];

    for (let kills = 0; kills < 8; kills++) {
      const victim = (): number | undefined => replica(kills % 2)?.pid;
      await until('the victim is at work', () => readLines(folder.path('taken')).filter(({ pid }) => pid === victim()).length > 10, 30_000);
      process.kill(victim() ?? Number.NaN, 'SIGKILL');
      const killed = victim();
      await until('it is gone', () => victim() !== killed);
    }
    await started.stop();
    const { ledger } = await started.done;
    const { published } = linkOf(ledger, 'source', 'transform');
    expect([replica(0)?.restarts, replica(1)?.restarts]).toEqual([4, 4]);
    // Work was repeated, and what it led to was not.
    expect(values('taken').length).toBeGreaterThan(published);
    for (const [from, to] of [
      ['source', 'transform'],
      ['transform', 'sink'],
    ] as const)
      expect(linkOf(ledger, from, to)).toMatchObject({ published, acked: published, dead: 0, pending: 0 });
    expect(sorted(values('all'))).toEqual(range(published));
  }, 90_000);
});

test('a node counts what it published when the broker has it', async () => {
  const system = new System('counted');
  const source = system.node(nodeFile('counter'), { name: 'source', count: 40 });
  const transform = system.node(nodeFile('recorder'), { name: 'transform', file: folder.path('taken') });
  const sink = system.node(nodeFile('recorder'), { name: 'sink', file: folder.path('all') });
  system.link(source).to(transform, QoS.DURABLE).to(sink, QoS.DURABLE);
  running = await system.run({ broker: freshEmbedded(), handleSignals: false, onLog: () => undefined });
  await running.done;
  const counts = running.status().map(({ node, report }) => [node, report?.published]);
  expect(counts).toEqual([
    ['source', 40],
    ['transform', 40],
    ['sink', 0],
  ]);
});
