import { Redis } from 'ioredis';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startRedisServer } from './redisServer.js';

test.each(['unix', 'tcp'] as const)('a killed server comes back on %s with what it stored', async (transport) => {
  const server = await startRedisServer({ transport, password: 'secret' });
  const read = async (): Promise<string | null> => {
    const client = new Redis({ ...server.endpoint });
    try {
      return await client.get('key');
    } finally {
      client.disconnect();
    }
  };
  try {
    const client = new Redis({ ...server.endpoint });
    await client.set('key', 'value');
    client.disconnect();
    await server.kill();
    await server.start();
    expect(await read()).toBe('value');
  } finally {
    await server.stop();
  }
  expect(existsSync(server.directory)).toBe(false);
});
