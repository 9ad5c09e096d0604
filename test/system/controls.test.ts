import { MemoryBroker, QoS, System } from 'edgeflow';
import type { Broker, Isolation, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { freshEmbedded, linkOf, nodeFile, readLines, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

/** A source without end, a DURABLE consumer that works for a moment, and what records that one's output. */
async function pipeline(broker: Broker, isolation: Isolation, count = 100_000): Promise<RunningSystem> {
  const system = new System('controlled');
  const source = system.node(nodeFile('counter'), { name: 'source', count, everyMs: 2 });
  const worker = system.node(nodeFile('recorder'), { name: 'worker', file: folder.path('worker'), workMs: 1 });
  const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
  system.link(source).to(worker, QoS.DURABLE, { prefetch: 8 }).to(all, QoS.DURABLE);
  return run(system, broker, { isolation, trace: { sample: 1 } });
}

const stateOf = (system: RunningSystem, name: string): string | undefined => system.status().find(({ node }) => node === name)?.state;
const link = async (system: RunningSystem, source: string, target: string) => linkOf(await system.ledger(), source, target);

/** Each value once in the last file, and none lost. */
async function expectAll(system: RunningSystem): Promise<void> {
  await system.stop();
  const { ledger } = await system.done;
  const { published } = linkOf(ledger, 'source', 'worker');
  expect(ledger.balanced).toBe(true);
  expect(linkOf(ledger, 'worker', 'all')).toMatchObject({ published, acked: published, dead: 0, pending: 0 });
  const values = readLines(folder.path('all')).map(({ value }) => value);
  expect(new Set(values).size).toBe(published);
  expect(values.length).toBe(published);
}

describe('controls', () => {
  test.each([
    ['process', freshEmbedded],
    ['thread', freshEmbedded],
    ['inline', () => new MemoryBroker()],
  ] as const)('%s: pause, resume, drain and restart lose nothing of a DURABLE link', async (isolation, makeBroker) => {
    const system = await pipeline(makeBroker(), isolation);
    await until('it works', async () => (await link(system, 'source', 'worker')).acked > 20);

    await system.pause('worker');
    expect(stateOf(system, 'worker')).toBe('paused');
    const { acked, published } = await link(system, 'source', 'worker');
    await until('more comes', async () => (await link(system, 'source', 'worker')).published > published + 20);
    expect((await link(system, 'source', 'worker')).acked).toBe(acked);

    // Paused, it is restarted paused.
    await system.restart('worker');
    await until('it is paused again', () => stateOf(system, 'worker') === 'paused');
    expect((await link(system, 'source', 'worker')).acked).toBe(acked);

    await system.pause('source');
    await system.drain('worker');
    expect(stateOf(system, 'worker')).toBe('paused');
    const drained = await link(system, 'source', 'worker');
    expect(drained.acked).toBeGreaterThanOrEqual(published);

    const pid = system.status().find(({ node }) => node === 'worker')?.pid;
    await system.resume('worker');
    await system.resume('source');
    await system.restart('worker');
    expect(stateOf(system, 'worker')).toBe('running');
    if (isolation === 'process') expect(system.status().find(({ node }) => node === 'worker')?.pid).not.toBe(pid);
    expect(system.status().map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
    await until('it goes on', async () => (await link(system, 'source', 'worker')).acked > drained.acked + 20);

    await system.pause('worker');
    await expectAll(system);
  });

  test('a node that there is not, and one that has ended', async () => {
    const system = await pipeline(new MemoryBroker(), 'inline', 3);
    await expect(system.pause('nobody')).rejects.toMatchObject({ code: 'GRAPH_INVALID' });
    await system.done;
    await expect(system.restart('worker')).rejects.toMatchObject({ code: 'NODE_ENDED' });
  });
});

describe('trace', () => {
  test('shows the way of a message through three nodes, from any of its ids', async () => {
    const system = await pipeline(freshEmbedded(), 'process', 20);
    await system.done;
    const steps = await system.trace({ source: 'source', index: 7 });
    expect(steps.map(({ node, topic, seq, outcome }) => [node, topic, seq, outcome])).toEqual([
      ['worker', 'source', 8, 'settled'],
      ['all', 'worker', 8, 'settled'],
    ]);
    for (const { published = NaN, received = NaN, started = NaN, settled = NaN } of steps) {
      const times = [published, received, started, settled];
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
    const last = steps[1];
    expect(await system.trace({ id: last?.id ?? '' })).toEqual(steps);
    expect(system.traces({ limit: 5 })).toHaveLength(5);
    expect(system.traces()[0]).toMatchObject({ nodes: ['worker', 'all'], outcome: 'settled' });
  });

  test('tells why messages were skipped, and adds up to what the broker counted', async () => {
    const system = new System('skipping');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 100_000, everyMs: 2 });
    const slow = system.node(nodeFile('recorder'), { name: 'slow', file: folder.path('slow'), workMs: 20 });
    system.link(source).to(slow, QoS.REALTIME);
    const started = await run(system, freshEmbedded(), { trace: { sample: 1 } });
    await until('it skips', async () => (await link(started, 'source', 'slow')).skippedBy.busy > 50);
    await started.pause('slow');
    const { published } = await link(started, 'source', 'slow');
    await until('more comes', async () => (await link(started, 'source', 'slow')).published > published + 20);
    await started.resume('slow');
    await until('it is behind', async () => (await link(started, 'source', 'slow')).skippedBy.stale > 15);
    await started.stop();
    const { skipped, skippedBy, balanced } = linkOf((await started.done).ledger, 'source', 'slow');
    expect(balanced).toBe(true);
    expect(skippedBy).toMatchObject({ expired: 0, gone: 0 });
    expect(skippedBy.busy + skippedBy.stale).toBe(skipped);
    const seen = new Set(readLines(folder.path('slow')).map(({ value }) => value));
    const missed = Array.from({ length: 30 }, (_, value) => value).find((value) => !seen.has(value)) ?? -1;
    expect(await started.trace({ topic: 'source', seq: missed + 1 })).toMatchObject([{ node: 'slow', outcome: 'skipped', reason: 'busy' }]);
  });
});

describe('watch', () => {
  test.each(['embedded', 'memory'])('%s: sees the newest messages, is in no ledger, and leaves nothing behind', async (kind) => {
    const system = await pipeline(kind === 'memory' ? new MemoryBroker() : freshEmbedded(), 'inline');
    const abort = new AbortController();
    const seqs: number[] = [];
    for await (const { seq } of system.watch('source', { signal: abort.signal })) {
      if (seqs.push(seq) === 5) abort.abort();
    }
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect((await system.topics()).flatMap(({ readers }) => Object.keys(readers))).toEqual([]);
    expect((await system.ledger()).links).toHaveLength(2);
    expect(system.graph()).toMatchObject({ name: 'controlled', nodes: [{ name: 'source', isolation: 'inline' }, {}, {}] });
    expect(() => system.watch('all', { signal: abort.signal })).toThrow(/no node that publishes/);
  });
});
