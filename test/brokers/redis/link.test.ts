import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { RedisLink } from '#src/brokers/redis/link.js';
import { startRedisServer } from '../../support/redisServer.js';

test('what is sent in one tick comes to the server in one read', async () => {
  const server = await startRedisServer();
  onTestFinished(() => server.stop());
  const link = new RedisLink(Redis, server.endpoint, 'test', { silenceMs: 60_000, endsFormer: false });
  onTestFinished(() => {
    link.close();
  });
  await link.connect();
  const reads = async (): Promise<number> =>
    Number(/^total_reads_processed:(\d+)/m.exec(await link.send((client) => client.info('stats')))?.[1]);
  const before = await reads();
  const ping = (): Promise<string> => link.send((client) => client.ping());
  const first = ping();
  const second = Promise.resolve().then(() => {
    // Time for the server to read the first one by itself, if it were on its way.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    return ping();
  });
  expect(await Promise.all([first, second])).toEqual(['PONG', 'PONG']);
  // The second one is that of the question itself.
  expect((await reads()) - before).toBe(2);
});
