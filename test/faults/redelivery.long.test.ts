import type { Broker } from 'edgeflow';
import { numbered } from 'edgeflow/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { expectBalance } from '../support/balance.js';
import { brokerProcess } from '../support/brokerProcess.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';
import type { RunningModule } from '../support/runModule.js';
import { freshEmbedded, range } from '../support/system.js';

/** How long after the death of a consumer its open messages come to another; the dead one's name never comes back. */
const kills = 50;
const visibilityMs = 500;
/** What the contract allows beyond the visibility time. */
const allowanceMs = 2_000;

let servers: readonly [TestRedis, TestRedis];
let broker: Broker | undefined;

beforeAll(async () => {
  servers = await Promise.all([startRedisServer(), startRedisServer()]);
});
afterEach(() => broker?.close());
afterAll(() => Promise.all(servers.map((server) => server.stop())));

function holder(of: Broker, consumer: string): Promise<RunningModule> {
  return brokerProcess(
    of,
    `
    const messages = await broker.pop('t', { group: 'g', consumer: '${consumer}', count: 10, waitMs: 60_000 });
    console.log('held', messages.length);
    setInterval(() => undefined, 1_000);`,
  );
}

test.each<[string, () => Broker]>([
  ['embedded', () => freshEmbedded({ visibilityMs })],
  ['two Redises', () => new DualRedisBroker({ control: servers[0].endpoint, data: servers[1].endpoint, visibilityMs })],
])(
  `%s: a consumer killed ${kills} times`,
  async (name, make) => {
    const store = (broker = make());
    const survivor = { group: 'g', consumer: 'survivor' };
    await store.declare({ topic: 't', groups: ['g'] });
    const waits: number[] = [];
    for (const round of range(kills)) {
      for (const i of range(3)) await store.push('t', numbered(round * 3 + i, i * 3_000));
      const victim = await holder(store, `victim-${round}`);
      try {
        expect(await victim.line('held')).toBe('3');
        const taken = store.pop('t', { ...survivor, count: 10, waitMs: 60_000 });
        const killed = performance.now();
        await victim.kill();
        const redelivered = await taken;
        waits.push(performance.now() - killed);
        expect(redelivered.map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
        expect((await store.ack('t', survivor, redelivered)).fenced).toEqual([]);
      } finally {
        await victim.kill();
      }
    }
    waits.sort((one, two) => one - two);
    const [p50, max] = [waits[Math.floor(waits.length / 2)], waits.at(-1)].map((ms) => Math.round(ms ?? 0));
    console.log(`${name}: ${waits.length} kills, visibility ${visibilityMs} ms: redelivered after p50 ${p50} ms, max ${max} ms`);
    expect(max).toBeLessThanOrEqual(visibilityMs + allowanceMs);
    const stats = await store.stats();
    expectBalance(stats);
    expect(stats[0]?.groups.g).toEqual({ published: kills * 3, acked: kills * 3, dead: 0, open: 0, unread: 0 });
  },
  400_000,
);
