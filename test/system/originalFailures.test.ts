import { QoS, System } from 'edgeflow';
import { numbered, numberOf } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { startRedisServer } from '../support/redisServer.js';
import { freshEmbedded, linkOf, nodeFile, range, readLines } from '../support/system.js';
import { folder, keepsWhatOthersLose, run, values } from './originalFailures.js';

describe('embedded', () => {
  keepsWhatOthersLose(freshEmbedded);
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
