import { randomUUID } from 'node:crypto';
import { MemoryBroker, QoS, System } from 'edgeflow';
import type { Broker } from 'edgeflow';
import { freshWithin } from 'edgeflow/operators';
import { until } from 'edgeflow/testing';
import { range } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { encodeValue } from '#src/codec.js';
import { watchTopic } from '#src/system/watchTopic.js';
import { freshEmbedded, linkOf, nodeFile, places, readLines, runsOfFile, temporaryFolder } from '../support/system.js';
import { embeddedStore } from '../brokers/embedded/harness.js';
import { controlsIn, linkNow, pipeline } from './controlsIn.js';
import { goneIn } from './goneIn.js';

const folder = temporaryFolder();
const run = runsOfFile();

describe('controls', () => {
  controlsIn(
    places.filter(({ isolation, on }) => (isolation === 'process' && on === 'embedded') || (isolation === 'inline' && on === 'memory')),
  );

  test('a node that there is not, and one that has ended', async () => {
    const system = await pipeline(new MemoryBroker(), 'inline', 3);
    await expect(system.pause('nobody')).rejects.toMatchObject({ code: 'GRAPH_INVALID' });
    await system.done;
    await expect(system.restart('worker')).rejects.toMatchObject({ code: 'NODE_ENDED' });
  });
});

describe('trace', () => {
  test('shows the way of a message through three nodes, from any of its ids', async () => {
    const system = await pipeline(freshEmbedded(), 'inline', 20);
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
    const started = await run(system, freshEmbedded(), { isolation: 'inline', trace: { sample: 1 } });
    await until('it skips', async () => (await linkNow(started, 'source', 'slow')).skippedBy.busy > 50);
    await started.pause('slow');
    const { published } = await linkNow(started, 'source', 'slow');
    await until('more comes', async () => (await linkNow(started, 'source', 'slow')).published > published + 20);
    await started.resume('slow');
    await until('it is behind', async () => (await linkNow(started, 'source', 'slow')).skippedBy.stale > 15);
    await started.stop();
    const { skipped, skippedBy, balanced } = linkOf((await started.done).ledger, 'source', 'slow');
    expect(balanced).toBe(true);
    expect(skippedBy).toMatchObject({ expired: 0, gone: 0 });
    expect(skippedBy.busy + skippedBy.stale).toBe(skipped);
    const seen = new Set(readLines(folder.path('slow')).map(({ value }) => value));
    const missed = Array.from({ length: 100 }, (_, value) => value).filter((value) => !seen.has(value));
    const steps = (await Promise.all(missed.map((value) => started.trace({ topic: 'source', seq: value + 1 })))).flat();
    expect(steps.length).toBeGreaterThan(0);
    expect(new Set(steps.map(({ node, outcome }) => `${node} ${outcome}`))).toEqual(new Set(['slow skipped']));
    expect(steps.some(({ reason }) => reason === 'busy')).toBe(true);
  });
});

describe('skips', () => {
  goneIn([{ isolation: 'inline', on: 'embedded', makeStore: () => embeddedStore() }]);

  test('what an operator drops for its age is skipped as expired, and the ledger still balances', async () => {
    const system = new System('aged', { isolation: 'inline' });
    const source = system.node(() => range(10), { name: 'source' });
    const fresh = system.node((input) => input.pipe(freshWithin(1_000, { time: () => 0 })), { name: 'fresh' });
    system.link(source).to(fresh, QoS.REALTIME);
    const started = await run(system, new MemoryBroker(), { trace: { sample: 1 } });
    const { ledger } = await started.done;
    const { published, delivered, skipped, skippedBy, balanced } = linkOf(ledger, 'source', 'fresh');
    expect(balanced).toBe(true);
    expect([published, delivered, skipped]).toEqual([10, 0, 10]);
    expect(skippedBy.expired).toBeGreaterThan(0);
    expect(skippedBy.expired + skippedBy.busy + skippedBy.stale).toBe(skipped);
    const steps = await started.trace({ topic: 'source', seq: 10 });
    expect(steps).toMatchObject([{ node: 'fresh', outcome: 'skipped', reason: 'expired' }]);
  });

  test('a share of traced messages that is none', async () => {
    const system = new System('odd', { isolation: 'inline' });
    system.node(() => range(1), { name: 'source' });
    await expect(run(system, new MemoryBroker(), { trace: { sample: 2 } })).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
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

  test.each<[string, () => Broker]>([
    ['embedded', freshEmbedded],
    ['memory', () => new MemoryBroker()],
    ['two Redises', () => DualRedisBroker.local()],
  ])('%s: values of one turn are all seen, pictures are not gone back for, and no name is left', async (_, makeBroker) => {
    const broker = makeBroker();
    await broker.declare({ topic: 'found', readers: ['node'] });
    const push = (count: number, payload: Uint8Array = new Uint8Array(0)): Promise<unknown> =>
      Promise.all(
        Array.from({ length: count }, () =>
          broker.push('found', { id: randomUUID(), time: Date.now(), ...encodeValue({ data: payload }), payload }),
        ),
      );
    const seen = watchTopic(broker, 'found', { signal: new AbortController().signal, passedOver: 8 });
    const look = async (): Promise<number[]> => {
      const seqs: number[] = [];
      for (;;) {
        const { value } = await seen.next();
        if (!value) return seqs;
        seqs.push(value.seq);
        if (value.newest) return seqs;
      }
    };
    await push(1);
    expect(await look()).toEqual([1]);
    await push(2);
    expect(await look()).toEqual([2, 3]);
    // A reader and a watcher keep three of them; from then on it keeps as many as come at once.
    await push(6);
    expect(await look()).toEqual([7, 8, 9]);
    await push(6);
    expect(await look()).toEqual([10, 11, 12, 13, 14, 15]);
    await push(20);
    expect(await look()).toHaveLength(7);
    // Never more than was asked for.
    await push(20);
    expect(await look()).toHaveLength(9);
    await push(3, new Uint8Array(5_000));
    expect(await look()).toEqual([58]);
    await seen.return();
    expect((await broker.stats()).map(({ readers }) => Object.keys(readers))).toEqual([['node']]);
    await broker.close();
  });
});
