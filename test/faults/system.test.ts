import { QoS, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';
import { freshDirectory, linkOf, nodeFile, range, readLines, temporaryFolder } from '../support/system.js';
import { killAndResume } from './killAndResume.js';

/** Whole systems whose servers, or whose supervisor, are killed. */
const folder = temporaryFolder();
let control: TestRedis;
let data: TestRedis;

beforeAll(async () => {
  [control, data] = await Promise.all([startRedisServer(), startRedisServer()]);
});
afterAll(() => Promise.all([control.stop(), data.stop()]));

const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);

test('kill -9 of the control Redis, of the data Redis, and of both, under a System: it goes on, and the ledger balances', async () => {
  const logs: string[] = [];
  const system = new System('servers');
  const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 2, bytes: 6_000 });
  const latest = system.node(nodeFile('recorder'), { name: 'latest', file: folder.path('latest'), workMs: 5 });
  const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
  system.link(source).to(latest, QoS.REALTIME);
  system.link(source).to(all, QoS.DURABLE);
  const running = await system.run({
    broker: new DualRedisBroker({ control: control.endpoint, data: data.endpoint }),
    handleSignals: false,
    drainMs: 60_000,
    onLog: (node, line) => logs.push(`${node} | ${line}`),
  });
  try {
    for (const servers of [[control], [data], [control, data]]) {
      const before = values('all').length;
      await until('values come', () => values('all').length > before + 50);
      await Promise.all(servers.map((server) => server.kill()));
      // The first outage lasts until the log tells of it.
      if (servers[0] === control && servers.length === 1)
        await until('each node says so', () =>
          ['source', 'latest', 'all'].every((node) => logs.some((line) => line.startsWith(`${node} | `))),
        );
      await Promise.all(servers.map((server) => server.start()));
    }
    const before = values('all').length;
    await until('values come again', () => values('all').length > before + 50);
  } finally {
    await running.stop();
  }
  const { ledger } = await running.done;
  expect(ledger.balanced).toBe(true);
  const { published, acked, dead, pending } = linkOf(ledger, 'source', 'all');
  expect([acked, dead, pending]).toEqual([published, 0, 0]);
  expect(new Set(values('all'))).toEqual(new Set(range(published)));
  const seen = values('latest');
  expect(seen).toEqual([...new Set(seen)].sort((one, two) => one - two));
  // No node was restarted for it: each waited, and said for what.
  expect(running.status().map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
  expect(logs.join('\n')).toMatch(/all \| .*EDGEFLOW_BROKER_WAITS.* the control Redis at \S+ is away/);
});

test.each(['process', 'inline'] as const)(
  'kill -9 of the main process on the embedded broker, then resume, isolation %s: nothing is lost',
  async (isolation) => {
    await killAndResume(['--store', freshDirectory()], folder.path('all'), isolation);
  },
);
