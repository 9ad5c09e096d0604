import { MemoryBroker, QoS, System, toBroker } from 'edgeflow';
import type { Isolation } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { range as rangeOf } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { runtime } from '#src/flow/runtime.js';
import { freshEmbedded, linkOf, nodeFile, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

describe('isolation', () => {
  test.each([
    ['process', 'wait'],
    ['process', 'loop'],
    ['thread', 'wait'],
    ['thread', 'loop'],
    ['inline', 'wait'],
  ] as const)('%s: a node that never ends (%s) is cut off at the deadline, and its message stays', async (isolation, how) => {
    const system = new System('stuck');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 5 });
    const stuck = system.node(nodeFile('stuck'), { name: 'stuck', how });
    system.link(source).to(stuck, QoS.DURABLE, { prefetch: 1 });
    const started = await run(system, freshEmbedded(), { isolation, drainMs: 200 });
    await until('it has its message', async () => linkOf(await started.ledger(), 'source', 'stuck').published === 5);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await started.stop();
    expect(linkOf((await started.done).ledger, 'source', 'stuck')).toMatchObject({ published: 5, acked: 0, dead: 0, pending: 5 });
  });

  test.each([
    ['process', 'exit', /its process ended with exit code 3/],
    ['thread', 'exit', /its thread ended with exit code 3/],
    ['thread', 'throw', /crashed/],
    ['inline', 'error', /crashed/],
  ] as const)('%s: a node that crashes for ever (%s) ends the system', async (isolation, how, message) => {
    const system = new System('hopeless');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 5 });
    const bad = system.node(nodeFile('crashing'), { name: 'bad', file: folder.path('bad'), how, after: 1, maxRestarts: 1 });
    system.link(source).to(bad, QoS.DURABLE, { prefetch: 1, retry: { maxDeliveries: 100 } });
    const { done } = await run(system, freshEmbedded(), { isolation });
    const error: unknown = await done.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'NODE_GAVE_UP', message: expect.stringMatching(/node 'bad' .* 1 times in a row/) as string });
    expect(error).toMatchObject({ message: expect.stringMatching(message) as string });
  });

  test('of a node, of the system, of the run: the last goes before the first, and the first before the second', async () => {
    const build = (): System => {
      const system = new System('mixed', { isolation: 'inline' });
      const source = system.node(nodeFile('counter'), { name: 'source', count: 20, isolation: 'process' });
      const between = system.node(nodeFile('recorder'), { name: 'between', file: folder.path('all'), isolation: 'thread' });
      const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
      system.link(source).to(between, QoS.DURABLE).to(all, QoS.DURABLE);
      return system;
    };
    const pids = new Map<string, number | undefined>();
    const note = async (isolation?: Isolation): Promise<void> => {
      const started = await run(build(), freshEmbedded(), { isolation });
      for (const { node, pid } of started.status()) pids.set(node, pid);
      const { ledger } = await started.done;
      expect(linkOf(ledger, 'between', 'all')).toMatchObject({ published: 20, acked: 20 });
    };
    await note();
    expect([pids.get('source') === process.pid, pids.get('between'), pids.get('all')]).toEqual([false, process.pid, process.pid]);
    await note('thread');
    expect([...pids.values()]).toEqual([process.pid, process.pid, process.pid]);
  });

  test('inline nodes reach the broker of the system without naming it, while it runs', async () => {
    /** One that can be looked into after the run. */
    class KeptBroker extends MemoryBroker {
      override close(): Promise<void> {
        return Promise.resolve();
      }
    }
    const broker = new KeptBroker();
    const system = new System('lent', { broker, isolation: 'inline' });
    system.node(() => rangeOf(1, 3).pipe(toBroker('aside')), { name: 'source' });
    const before = runtime.broker;
    await (
      await system.run({ handleSignals: false })
    ).done;
    expect((await broker.stats()).map(({ topic, published }) => [topic, published])).toEqual([
      ['source', 3],
      ['aside', 3],
    ]);
    expect(runtime.broker).toBe(before);
  });

  test('a broker that lives in one process runs no node in another', async () => {
    const system = new System('apart', { broker: new MemoryBroker(), isolation: 'inline' });
    system.node(nodeFile('counter'), { name: 'source', count: 1, isolation: 'process' });
    await expect(system.run()).rejects.toMatchObject({
      code: 'BROKER_CONFIG',
      message: expect.stringMatching(/memory broker lives in one process, and node 'source' .* 'thread' or 'inline'/) as string,
    });
  });

  test('that there is not is an error that names what there is', async () => {
    const wrong = 'container' as Isolation;
    const message = expect.stringMatching(/isolation is 'container'; expected 'process', 'thread' or 'inline'/) as string;
    const refused = (code: string): unknown => expect.objectContaining({ code, message });
    expect(() => new System('wrong', { isolation: wrong })).toThrow(refused('OPTIONS_INVALID'));
    const system = new System('wrong');
    expect(() => system.node(nodeFile('counter'), { isolation: wrong })).toThrow(refused('NODE_OPTIONS_INVALID'));
    await expect(system.run({ isolation: wrong })).rejects.toEqual(refused('OPTIONS_INVALID'));
  });
});
