import { QoS, System } from 'edgeflow';
import type { Broker } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { linkOf, nodeFile, range, readLines, restarts, runsOfFile, temporaryFolder } from '../support/system.js';
import type { Place } from '../support/system.js';

/** What holds wherever the nodes of a System run. */
export function sameInEach(places: readonly Place[]): void {
  const folder = temporaryFolder();
  const run = runsOfFile();
  const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);

  describe.each(places)('$isolation on $on', ({ isolation, makeBroker }) => {
    // What ends an inline node alone is the error of its stream.
    const ways = isolation === 'inline' ? (['error'] as const) : (['exit', 'throw', 'error'] as const);

    test('one topic fans out: REALTIME skips, DURABLE gets all, each frame is published once, and the end comes by itself', async () => {
      const system = new System('fanout');
      const source = system.node(nodeFile('counter'), { name: 'source', count: 150, everyMs: 2, bytes: 20_000 });
      const latest = system.node(nodeFile('recorder'), { name: 'latest', file: folder.path('latest'), workMs: 10 });
      const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
      system.link(source).to(latest, QoS.REALTIME);
      system.link(source).to(all, QoS.DURABLE);
      const { done } = await run(system, makeBroker(), { isolation });
      const { ledger } = await done;
      expect(ledger.balanced).toBe(true);
      expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 150, acked: 150, dead: 0, pending: 0 });
      const { published, delivered, skipped, pending } = linkOf(ledger, 'source', 'latest');
      expect([published, pending, delivered + skipped]).toEqual([150, 0, 150]);
      expect(values('all')).toEqual(range(150));
      const seen = values('latest');
      expect(seen).toHaveLength(delivered);
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
      expect(seen.at(-1)).toBe(149);
    });

    test.each(ways)('a DURABLE consumer that crashes again and again (%s) is restarted, and loses nothing', async (how) => {
      const system = new System('crashes');
      const source = system.node(nodeFile('counter'), { name: 'source', count: 120, everyMs: 3, bytes: 6_000 });
      const all = system.node(nodeFile('crashing'), { name: 'all', file: folder.path('all'), how, after: 50 });
      system.link(source).to(all, QoS.DURABLE, { retry: { maxDeliveries: 20 } });
      const started = await run(system, makeBroker(), { isolation });
      const { ledger } = await started.done;
      expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 120, acked: 120, dead: 0, pending: 0 });
      expect(new Set(values('all'))).toEqual(new Set(range(120)));
      expect(restarts(started)).toBeGreaterThanOrEqual(2);
    });

    test('replicas share the work: DURABLE each message once, REALTIME each frame at most once', async () => {
      const system = new System('replicas');
      const source = system.node(nodeFile('counter'), { name: 'source', count: 300, everyMs: 2 });
      const all = system.node(nodeFile('recorder'), { name: 'all', replicas: 2, file: folder.path('all'), workMs: 2 });
      const latest = system.node(nodeFile('recorder'), { name: 'latest', replicas: 2, file: folder.path('latest'), workMs: 5 });
      system.link(source).to(all, QoS.DURABLE, { prefetch: 4 });
      system.link(source).to(latest, QoS.REALTIME);
      const { done } = await run(system, makeBroker(), { isolation });
      const { ledger } = await done;
      expect(ledger.balanced).toBe(true);
      expect(values('all').sort((a, b) => a - b)).toEqual(range(300));
      expect(new Set(readLines(folder.path('all')).map(({ pid }) => pid)).size).toBe(isolation === 'process' ? 2 : 1);
      expect(new Set(values('latest')).size).toBe(values('latest').length);
    });

    test('what an earlier run left unacked stops the next, which may resume or discard it', async () => {
      const broker = makeBroker();
      const keep = { close: () => Promise.resolve() };
      const held: Broker = new Proxy(broker, {
        get: (target, key) => {
          if (key === 'close') return keep.close;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const build = (workMs: number, count: number): System => {
        const system = new System('left');
        const source = system.node(nodeFile('counter'), { name: 'source', count });
        const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs });
        system.link(source).to(all, QoS.DURABLE);
        return system;
      };
      const first = await run(build(50, 40), held, { isolation, drainMs: 50 });
      await until('all is published', async () => linkOf(await first.ledger(), 'source', 'all').published === 40);
      await first.stop();
      const left = linkOf(await first.ledger(), 'source', 'all').pending;
      expect(left).toBeGreaterThan(0);

      await expect(run(build(0, 40), held, { isolation })).rejects.toMatchObject({
        code: 'UNACKED_MESSAGES',
        message: expect.stringContaining('--resume') as string,
      });
      const resumed = await run(build(0, 0), held, { isolation, resume: true });
      const { ledger } = await resumed.done;
      expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 40, acked: 40, pending: 0 });
      expect(new Set(values('all'))).toEqual(new Set(range(40)));

      const fresh = await run(build(0, 5), held, { isolation, reset: true });
      expect(linkOf((await fresh.done).ledger, 'source', 'all')).toMatchObject({ published: 5, acked: 5 });
      await broker.close();
    }, 60_000);

    test('a stop ends the source first, and consumes all that it published', async () => {
      const system = new System('stopped');
      const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 1 });
      const between = system.node(nodeFile('joiner'), { name: 'between' });
      const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 2 });
      system.link(source).to(between, QoS.DURABLE).to(all, QoS.DURABLE);
      const started = await run(system, makeBroker(), { isolation });
      await until('some values', () => values('all').length > 50, 20_000);
      expect(started.status().map(({ state }) => state)).toEqual(['running', 'running', 'running']);
      expect(started.status().every(({ pid }) => (pid === process.pid) === (isolation !== 'process'))).toBe(true);
      await started.stop();
      const { ledger } = await started.done;
      const { published } = linkOf(ledger, 'source', 'between');
      expect(linkOf(ledger, 'source', 'between')).toMatchObject({ acked: published, dead: 0, pending: 0 });
      expect(linkOf(ledger, 'between', 'all')).toMatchObject({ published, acked: published, dead: 0, pending: 0 });
      expect(values('all')).toEqual(range(published));
      const report = (name: string) => started.status().find(({ node }) => node === name)?.report;
      expect(report('source')).toMatchObject({ published, note: expect.stringMatching(/^published \d+$/) as string });
      expect(report('between')).toMatchObject({ published, inputs: { source: { delivered: published, failed: 0 } } });
      expect(report('all')).toMatchObject({ published: 0, inputs: { between: { delivered: published, failed: 0 } } });
    });
  });
}
