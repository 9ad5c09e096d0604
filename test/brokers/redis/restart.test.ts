import { numbered, numberOf } from 'edgeflow/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { flush } from '../../support/redisHarness.js';
import { startRedisServer } from '../../support/redisServer.js';
import type { TestRedis } from '../../support/redisServer.js';

let control: TestRedis;
let data: TestRedis;
beforeAll(async () => {
  [control, data] = await Promise.all([startRedisServer(), startRedisServer({ transport: 'tcp' })]);
});
afterAll(() => Promise.all([control.stop(), data.stop()]));

const me = { group: 'g', consumer: 'a' };
const total = 10_000;

test.each([
  ['control', 0.33],
  ['control', 0.5],
  ['data', 0.33],
  ['data', 0.5],
  ['both', 0.33],
  ['both', 0.5],
] as const)(
  'kill -9 of %s after a share of %s of 10,000 messages, with payloads on both planes: all come, in order',
  async (which, share) => {
    const producer = new DualRedisBroker({ control: control.endpoint, data: data.endpoint });
    const consumer = new DualRedisBroker({ control: control.endpoint, data: data.endpoint });
    try {
      await producer.declare({ topic: 't', groups: ['g'] });
      const first: number[] = [];
      const seen = new Set<number>();
      const consuming = (async () => {
        while (seen.size < total) {
          const popped = await consumer.pop('t', { ...me, count: 64, waitMs: 1_000 });
          for (const value of popped.map(numberOf)) {
            if (!seen.has(value)) first.push(value);
            seen.add(value);
          }
          expect((await consumer.ack('t', me, popped)).fenced).toEqual([]);
        }
      })();
      const servers = which === 'both' ? [control, data] : [which === 'control' ? control : data];
      let killing: Promise<unknown> = Promise.resolve();
      const pushed: Promise<unknown>[] = [];
      for (let value = 0; value < total; value++) {
        if (value === Math.floor(total * share)) killing = Promise.all(servers.map((server) => server.kill().then(() => server.start())));
        pushed.push(producer.push('t', numbered(value, value % 10 === 0 ? 5_000 : 50)));
        if (value % 200 === 0) await Promise.all(pushed.splice(0));
      }
      const receipts = (await Promise.all(pushed)) as { duplicate: boolean }[];
      expect(receipts.filter(({ duplicate }) => duplicate)).toEqual([]);
      await Promise.all([killing, consuming]);
      expect(first).toEqual(Array.from({ length: total }, (_, i) => i));
      expect((await producer.stats())[0]).toMatchObject({
        published: total,
        entries: 0,
        bytes: 0,
        groups: { g: { acked: total, open: 0, unread: 0, dead: 0 } },
      });
    } finally {
      await Promise.all([producer.close(), consumer.close()]);
      await flush([control, data]);
    }
  },
);
