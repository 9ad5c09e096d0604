import fc from 'fast-check';
import { FaultProxy, until } from 'edgeflow/testing';
import type { FaultDirection } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { flush } from '../support/redisHarness.js';
import { startRedisServer, targetOf } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';
import { traffic } from '../support/traffic.js';

/** Faults of the network between the clients and two real Redis servers. */
let servers: Record<Plane, TestRedis>;
let proxies: Record<Plane, FaultProxy>;
let brokers: DualRedisBroker[] = [];

type Plane = 'control' | 'data';
interface Cut {
  readonly plane: Plane;
  readonly direction: FaultDirection;
  readonly bytes: number;
}

beforeAll(async () => {
  const [control, data] = await Promise.all([startRedisServer(), startRedisServer({ transport: 'tcp' })]);
  servers = { control, data };
  proxies = { control: await FaultProxy.start(targetOf(control)), data: await FaultProxy.start(targetOf(data)) };
});
afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  await Promise.all([proxies.control.normal(), proxies.data.normal()]);
  await flush([servers.control, servers.data]);
});
afterAll(async () => {
  await Promise.all([proxies.control.close(), proxies.data.close()]);
  await Promise.all([servers.control.stop(), servers.data.stop()]);
});

function client(): DualRedisBroker {
  const broker = new DualRedisBroker({ control: proxies.control.address, data: proxies.data.address });
  brokers.push(broker);
  return broker;
}

/** Makes one cut after the other, until it is told that it is over. */
async function cutting(cuts: readonly Cut[], over: AbortSignal): Promise<number> {
  let made = 0;
  over.addEventListener('abort', () => {
    for (const proxy of Object.values(proxies)) proxy.cancelCut();
  });
  for (const { plane, ...cut } of cuts) {
    if (over.aborted) break;
    await proxies[plane].cutAfter(cut);
    if (!over.aborted) made++;
  }
  return made;
}

const cut: fc.Arbitrary<Cut> = fc.record({
  plane: fc.constantFrom('control', 'data'),
  direction: fc.constantFrom('toClient', 'toServer'),
  bytes: fc.oneof(fc.nat(40), fc.nat(8_000)),
});

describe('the connections', () => {
  test('cut after any number of bytes, in requests and in replies: nothing is lost, nothing is counted twice', async () => {
    let total = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 3, maxLength: 8 }), async (cuts) => {
        const over = new AbortController();
        const made = cutting(cuts, over.signal);
        try {
          await traffic({ producer: client(), consumer: client(), total: 150 });
        } finally {
          over.abort();
          total += await made;
          await Promise.all(brokers.splice(0).map((broker) => broker.close()));
          await flush([servers.control, servers.data]);
        }
      }),
      { numRuns: 6 },
    );
    expect(total).toBeGreaterThan(6);
  }, 60_000);

  test('broken again and again, on both planes', async () => {
    let next = 50;
    await traffic({
      producer: client(),
      consumer: client(),
      total: 600,
      onProgress: (acked) => {
        if (acked < next) return;
        next += 100;
        proxies.control.drop();
        if (next % 200 === 50) proxies.data.drop();
      },
    });
    expect(next).toBeGreaterThan(500);
  });

  test('slow, by 30 ms each way', async () => {
    const [producer, consumer] = [client(), client()];
    await Promise.all([proxies.control.delay(30), proxies.data.delay(30)]);
    await traffic({ producer, consumer, total: 60 });
  });

  test('refused for a while: calls wait, and the log says for what', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): number => warnings.push(warning.message);
    process.on('warning', note);
    try {
      const [producer, consumer] = [client(), client()];
      await Promise.all([producer.open(), consumer.open()]);
      await proxies.control.refuse();
      proxies.control.drop();
      const all = traffic({ producer, consumer, total: 60 });
      await until('it is said', () => warnings.some((text) => text.includes('is away')));
      expect(warnings.join()).toMatch(/the control Redis at redis:\/\/127.0.0.1:\d+ is away \(.*ECONNREFUSED.*\)\. Waiting for it/);
      await proxies.control.normal();
      await all;
    } finally {
      process.off('warning', note);
    }
  });
});

describe('the servers', () => {
  test('CLIENT KILL of all connections, again and again', async () => {
    const admins = [new Redis(servers.control.endpoint), new Redis(servers.data.endpoint)];
    let next = 50;
    let kills = 0;
    const killing: Promise<unknown>[] = [];
    const kill = async (admin: Redis): Promise<void> => {
      for (const type of ['normal', 'pubsub']) kills += Number(await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'));
    };
    await traffic({
      producer: client(),
      consumer: client(),
      total: 600,
      onProgress: (acked) => {
        if (acked < next) return;
        next += 100;
        killing.push(...admins.map(kill));
      },
    });
    await Promise.all(killing);
    expect(kills).toBeGreaterThan(6);
    for (const admin of admins) admin.disconnect();
  });

  test.each(['WRITE', 'ALL'])('CLIENT PAUSE %s: all wait, and go on', async (mode) => {
    const admins = [new Redis(servers.control.endpoint), new Redis(servers.data.endpoint)];
    const pauses: Promise<unknown>[] = [];
    let next = 20;
    await traffic({
      producer: client(),
      consumer: client(),
      total: 300,
      onProgress: (acked) => {
        if (acked < next) return;
        next += 100;
        pauses.push(...admins.map((admin) => admin.call('CLIENT', 'PAUSE', '200', mode)));
      },
    });
    expect(await Promise.all(pauses)).toContain('OK');
    for (const admin of admins) admin.disconnect();
  });
});
