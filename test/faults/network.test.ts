import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { proxiedRedis } from '../support/proxiedRedis.js';
import { traffic } from '../support/traffic.js';
import { checkCuts } from './cuts.js';

/** Faults of the network between clients and two real Redis servers. */
const pair = proxiedRedis();

/** Does something after each hundred messages. */
function eachHundred(fault: (time: number) => void): (acked: number) => void {
  let times = 0;
  return (acked) => {
    if (acked >= 50 + 100 * times) fault(times++);
  };
}

async function withAdmins<T>(work: (admins: readonly Redis[]) => Promise<T>): Promise<T> {
  const admins = [pair.control, pair.data].map(({ server }) => new Redis({ ...server.endpoint }));
  try {
    return await work(admins);
  } finally {
    for (const admin of admins) admin.disconnect();
  }
}

describe('the connections', () => {
  test('cut after any number of bytes, in requests and in replies: nothing is lost, nothing is counted twice', async () => {
    expect(await checkCuts(pair, 5)).toBeGreaterThan(5);
  });

  test('broken again and again, on both planes', async () => {
    let drops = 0;
    await traffic({
      producer: pair.client(),
      consumer: pair.client(),
      total: 600,
      onProgress: eachHundred((time) => {
        drops++;
        pair.control.proxy.drop();
        if (time % 2 === 1) pair.data.proxy.drop();
      }),
    });
    expect(drops).toBeGreaterThan(3);
  });

  test('slow, by 20 ms each way', async () => {
    const [producer, consumer] = [pair.client(), pair.client()];
    await Promise.all([pair.control.proxy.delay(20), pair.data.proxy.delay(20)]);
    await traffic({ producer, consumer, total: 40 });
  });
});

describe('the servers', () => {
  test('CLIENT KILL of all connections, again and again', () =>
    withAdmins(async (admins) => {
      const kills: Promise<number>[] = [];
      const kill = async (admin: Redis, type: string): Promise<number> =>
        Number(await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'));
      await traffic({
        producer: pair.client(),
        consumer: pair.client(),
        total: 600,
        onProgress: eachHundred(() => {
          for (const admin of admins) kills.push(kill(admin, 'normal'), kill(admin, 'pubsub'));
        }),
      });
      expect((await Promise.all(kills)).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(6);
    }));

  test('CLIENT PAUSE: all wait, and go on', () =>
    withAdmins(async (admins) => {
      const pauses: Promise<unknown>[] = [];
      await traffic({
        producer: pair.client(),
        consumer: pair.client(),
        total: 300,
        onProgress: eachHundred(() => pauses.push(...admins.map((admin) => admin.call('CLIENT', 'PAUSE', '150', 'ALL')))),
      });
      expect(await Promise.all(pauses)).toContain('OK');
    }));
});
