import { QoS, System } from 'edgeflow';
import type { Isolation } from 'edgeflow';
import { EMPTY } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { fixture, freshEmbedded, linkOf, nodeFile, range, readLines, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);

describe.each<Isolation>(['process', 'inline'])('a system, isolation %s', (isolation) => {
  test('gives a node its inputs by the name of their source', async () => {
    const system = new System('joined');
    const left = system.node(nodeFile('counter'), { name: 'left', count: 20 });
    const right = system.node(nodeFile('counter'), { name: 'right', count: 30 });
    const join = system.node(nodeFile('joiner'), { name: 'join' });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
    system.link(left).to(join, QoS.DURABLE).to(all, QoS.DURABLE);
    system.link(right).to(join, QoS.DURABLE);
    await (
      await run(system, freshEmbedded(), { isolation })
    ).done;
    const lines = readLines(folder.path('all'));
    const of = (label: string): number[] => lines.filter((line) => line.label === label).map(({ value }) => value);
    expect(of('left')).toEqual(range(20));
    expect(of('right')).toEqual(range(30));
  });

  test('publishes before a full topic drains: nothing is dropped', async () => {
    const system = new System('full');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 60, bytes: 100_000, maxBytes: 500_000 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 5 });
    system.link(source).to(all, QoS.DURABLE, { prefetch: 2 });
    await (
      await run(system, freshEmbedded(), { isolation })
    ).done;
    expect(values('all')).toEqual(range(60));
  });

  test.each(isolation === 'inline' ? (['throw-in-map', 'reject'] as const) : (['throw-in-map', 'reject', 'exit'] as const))(
    'sends a message that always fails (%s) to the dead letters, and all others on',
    async (how) => {
      const broker = freshEmbedded();
      const system = new System('poison');
      const source = system.node(nodeFile('counter'), { name: 'source', count: 20 });
      const bad = system.node(nodeFile('misbehaving'), { name: 'bad', how, at: 7 });
      const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
      system
        .link(source)
        .to(bad, QoS.DURABLE, { prefetch: 1, retry: { maxDeliveries: 3, initialMs: 5 } })
        .to(all, QoS.DURABLE);
      const { ledger } = await (await run(system, broker, { isolation })).done;
      expect(linkOf(ledger, 'source', 'bad')).toMatchObject({ published: 20, acked: 19, dead: 1, pending: 0 });
      expect(values('all')).toEqual(range(20).filter((value) => value !== 7));
    },
  );

  test('runs operators that are written in the entry', async () => {
    const before = process.argv;
    process.argv = ['node', 'app', '--directory', folder.path('.')];
    try {
      // It reads the folder of this test.
      vi.resetModules();
      const { default: system } = await import('../fixtures/apps/inline.js');
      await (
        await run(system, freshEmbedded(), { isolation, entry: fixture('inline.ts') })
      ).done;
    } finally {
      process.argv = before;
    }
    const lines = readLines(folder.path('inline.jsonl'));
    expect(lines.map(({ value }) => value)).toEqual(range(10).map((value) => (value + 1) * 2));
    expect(lines.every(({ pid }) => (pid === process.pid) === (isolation !== 'process'))).toBe(true);
  });
});

describe('a system that cannot run says why', () => {
  const failing = async (build: (system: System) => void, options: Parameters<System['run']>[0] = {}): Promise<unknown> => {
    const system = new System('broken');
    try {
      build(system);
      const started = await run(system, freshEmbedded(), options);
      await started.done;
    } catch (error) {
      return error;
    }
    throw new Error('it ran');
  };

  test.each<[string, string, RegExp, (system: System) => void]>([
    ['no nodes', 'GRAPH_INVALID', /no nodes/, () => undefined],
    ['a missing node file', 'NODE_MODULE_MISSING', /nowhere\.ts/, (system) => void system.node('./nowhere.ts')],
    [
      'two links of one pair',
      'GRAPH_INVALID',
      /two links from 'a' to 'b'/,
      (system) => {
        const a = system.node(nodeFile('counter'), { name: 'a', count: 1 });
        const b = system.node(nodeFile('recorder'), { name: 'b', file: '/dev/null' });
        system.link(a).to(b, QoS.DURABLE);
        system.link(a).to(b, QoS.REALTIME);
      },
    ],
    [
      'a circle',
      'GRAPH_INVALID',
      /a → b → a|b → a → b/,
      (system) => {
        const a = system.node(nodeFile('joiner'), { name: 'a' });
        const b = system.node(nodeFile('joiner'), { name: 'b' });
        system.link(a).to(b, QoS.DURABLE).to(a, QoS.DURABLE);
      },
    ],
    [
      'two producers of a topic',
      'GRAPH_INVALID',
      /two nodes are named 'a'/,
      (system) => {
        system.node(nodeFile('counter'), { name: 'a', count: 1 });
        system.node(nodeFile('counter'), { name: 'a', count: 1 });
      },
    ],
    [
      'a node of another system',
      'GRAPH_INVALID',
      /'elsewhere', which is not one of its nodes/,
      (system) => {
        system.link(system.node(nodeFile('counter'), { count: 1 })).to({ name: 'elsewhere' }, QoS.DURABLE);
      },
    ],
    [
      'types that do not fit',
      'GRAPH_INVALID',
      /'a' emits frame, but 'b' accepts detections/,
      (system) => {
        const a = system.node(nodeFile('counter'), { name: 'a', emits: 'frame' });
        system.link(a).to(system.node(nodeFile('joiner'), { name: 'b', accepts: 'detections' }), QoS.DURABLE);
      },
    ],
    [
      'messages that replace each other on a DURABLE link',
      'GRAPH_INVALID',
      /'a' has onFull: 'replace', and 'b' must lose nothing/,
      (system) => {
        const a = system.node(nodeFile('counter'), { name: 'a', onFull: 'replace' });
        system.link(a).to(system.node(nodeFile('joiner'), { name: 'b' }), QoS.DURABLE);
      },
    ],
    ['a missing input', 'GRAPH_INVALID', /no link leads to it/, (system) => void system.node(nodeFile('joiner'), { accepts: 'frame' })],
    [
      'options that are not data',
      'NODE_OPTIONS_INVALID',
      /plain data/,
      (system) => void system.node(nodeFile('counter'), { count: () => 3 }),
    ],
    ['no replicas', 'NODE_OPTIONS_INVALID', /replicas is 0/, (system) => void system.node(nodeFile('counter'), { replicas: 0 })],
    ['a module without a node', 'NODE_MODULE_INVALID', /default-exports a number/, (system) => void system.node(fixture('notANode.ts'))],
    [
      'a value that escapes its delivery',
      'LEASE_ESCAPED',
      /mapAsync/,
      (system) => {
        const a = system.node(nodeFile('counter'), { name: 'a', count: 5 });
        system.link(a).to(system.node(nodeFile('misbehaving'), { name: 'b', how: 'escape', at: 0 }), QoS.DURABLE);
      },
    ],
    [
      'a node that crashes for ever',
      'NODE_GAVE_UP',
      /node 'b' crashed and was restarted 2 times in a row, at last because its process ended with exit code 7/,
      (system) => {
        const a = system.node(nodeFile('counter'), { name: 'a', count: 5 });
        const b = system.node(nodeFile('misbehaving'), { name: 'b', how: 'exit', at: 0, maxRestarts: 2 });
        system.link(a).to(b, QoS.DURABLE, { retry: { maxDeliveries: 100 } });
      },
    ],
  ])('%s: %s', async (_, code, message, build) => {
    const error = await failing(build);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test.each(['process', 'thread'] as const)(
    'an entry that builds another graph in its workers, a %s each: WORKER_MISMATCH',
    async (isolation) => {
      const system = new System('inline');
      system.node(() => EMPTY, { name: 'numbers' });
      const started = run(system, freshEmbedded(), { isolation, entry: fixture('inline.ts') }).then(({ done }) => done);
      await expect(started).rejects.toMatchObject({ code: 'WORKER_MISMATCH' });
    },
  );
});
