import { QoS, System } from 'edgeflow';
import type { Broker, RunningSystem } from 'edgeflow';
import { numbered, numberOf, until } from 'edgeflow/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { startRedisServer } from '../support/redisServer.js';
import { freshEmbedded, linkOf, nodeFile, onBothBrokers, pidOf, range, readLines, temporaryFolder } from '../support/system.js';

/** What systems of this kind are known to lose, each of which ours must keep. */
const folder = temporaryFolder();
const running: RunningSystem[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((system) => system.stop()));
});

async function run(system: System, broker: Broker): Promise<RunningSystem> {
  const started = await system.run({ broker, handleSignals: false, onLog: () => undefined });
  running.push(started);
  return started;
}

const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);

onBothBrokers((makeBroker) => {
  test('1,000 sent to a slow DURABLE group = 1,000 processed', async () => {
    const system = new System('slow');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 2 });
    system.link(source).to(all, QoS.DURABLE);
    const { ledger } = await (await run(system, makeBroker())).done;
    expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 1_000, acked: 1_000 });
    expect(values('all')).toEqual(range(1_000));
  });

  test('a consumer killed between reading and finishing = redelivered', async () => {
    const system = new System('killed');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 5 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 400 });
    system.link(source).to(all, QoS.DURABLE);
    const started = await run(system, makeBroker());
    await until('the first message is in work', async () => linkOf(await started.ledger(), 'source', 'all').published === 5);
    await until('one is done', () => values('all').length === 1);
    process.kill(pidOf(started, 'all'), 'SIGKILL');
    const { ledger } = await started.done;
    expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 5, acked: 5, dead: 0 });
    expect(new Set(values('all'))).toEqual(new Set(range(5)));
  });

  test('a producer restarted = no id and no key used again', async () => {
    const system = new System('restarted');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 150, everyMs: 4, bytes: 20_000 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
    system.link(source).to(all, QoS.DURABLE);
    const started = await run(system, makeBroker());
    await until('some values', () => values('all').length > 20);
    process.kill(pidOf(started, 'source'), 'SIGKILL');
    const { ledger } = await started.done;
    const { published, acked } = linkOf(ledger, 'source', 'all');
    expect(published).toBeGreaterThan(150);
    expect(acked).toBe(published);
    expect(values('all').slice(-150)).toEqual(range(150));
  });
});

describe('also', () => {
  test('link(cam).to(a) and link(cam).to(b) = one publish a frame', async () => {
    const system = new System('once');
    const camera = system.node(nodeFile('counter'), { name: 'camera', count: 50 });
    for (const name of ['a', 'b'])
      system.link(camera).to(system.node(nodeFile('recorder'), { name, file: folder.path(name) }), QoS.DURABLE);
    const { ledger } = await (await run(system, freshEmbedded())).done;
    for (const name of ['a', 'b']) {
      expect(linkOf(ledger, 'camera', name)).toMatchObject({ published: 50, acked: 50 });
      expect(values(name)).toEqual(range(50));
    }
  });

  test('two cameras from one node file keep their own options', async () => {
    const system = new System('cameras');
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
    for (const [label, count] of [
      ['door', 3],
      ['yard', 5],
    ] as const)
      system.link(system.node(nodeFile('counter'), { count, label })).to(all, QoS.DURABLE);
    expect([...system.graph().nodes.keys()]).toEqual(['all', 'counter', 'counter-2']);
    await (
      await run(system, freshEmbedded())
    ).done;
    const labels = readLines(folder.path('all')).map(({ label }) => label);
    expect(labels.filter((label) => label === 'door')).toHaveLength(3);
    expect(labels.filter((label) => label === 'yard')).toHaveLength(5);
  });

  test('a consumer that is far behind still gets its bytes: nothing on Redis expires', async () => {
    const server = await startRedisServer();
    const broker = new RedisBroker({ server: server.endpoint });
    try {
      await broker.declare({ topic: 't', groups: ['late'] });
      for (const value of range(20)) await broker.push('t', numbered(value, 10_000));
      // Time is shortened by asking what time would do: no key has a time to live.
      const { Redis } = await import('ioredis');
      const client = new Redis(server.endpoint);
      const keys = await client.keys('*');
      expect(keys.length).toBeGreaterThan(20);
      expect(await Promise.all(keys.map((key) => client.ttl(key)))).toEqual(keys.map(() => -1));
      client.disconnect();
      const popped = await broker.pop('t', { group: 'late', consumer: 'a', count: 64, waitMs: 0 });
      expect(popped.map(numberOf)).toEqual(range(20));
      expect(popped.every(({ payload }) => payload.length === 10_000)).toBe(true);
    } finally {
      await broker.close();
      await server.stop();
    }
  });
});
