import { numbered, numberOf } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parseEndpoint } from '#src/brokers/redis/endpoint.js';
import { DualRedisBroker, RedisBroker } from '#src/brokers/redis/redisBroker.js';
import type { RedisBrokerOptions } from '#src/brokers/redis/redisBroker.js';
import { flush } from '../../support/redisHarness.js';
import { startRedisServer } from '../../support/redisServer.js';
import type { TestRedis } from '../../support/redisServer.js';

let server: TestRedis;
const brokers: (RedisBroker | DualRedisBroker)[] = [];
beforeAll(async () => {
  server = await startRedisServer({ password: 'right' });
});
afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  await flush([server]);
});
afterAll(() => server.stop());

function one(options: RedisBrokerOptions): RedisBroker {
  const broker = new RedisBroker(options);
  brokers.push(broker);
  return broker;
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  return error as { code: string; message: string };
}

async function roundTrip(broker: RedisBroker): Promise<void> {
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  await broker.push('t', numbered(5, 300_000));
  const popped = await broker.pop('t', { group: 'g', consumer: 'a', count: 1, waitMs: 1_000 });
  expect(popped.map(numberOf)).toEqual([5]);
  expect(await broker.ack('t', { group: 'g', consumer: 'a' }, popped)).toEqual({ fenced: [] });
  expect((await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 1_000 }))?.payload.length).toBe(300_000);
}

test('no server: BROKER_UNREACHABLE names the address, for open and for first use', async () => {
  const { code, message } = await failure(new DualRedisBroker({ control: '/nowhere/control.sock', data: server.endpoint }).open());
  expect(code).toBe('BROKER_UNREACHABLE');
  expect(message).toContain('/nowhere/control.sock');
  const pushed = await failure(one({ server: 'redis://:secret-word@127.0.0.1:1' }).push('t', numbered(1)));
  expect(pushed.code).toBe('BROKER_UNREACHABLE');
  expect(pushed.message).toContain('redis://127.0.0.1:1');
  expect(pushed.message).not.toContain('secret-word');
});

test('a port where something else listens, and stays silent, is BROKER_UNREACHABLE', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  expect((await failure(one({ server: { port } }).open())).code).toBe('BROKER_UNREACHABLE');
  silent.close();
});

test('a server that goes away between the first connection and the first command is waited for', async () => {
  const { path = '' } = server.endpoint;
  let cut = 0;
  // Hangs up when it is first asked what server it is.
  const proxy = createServer((client) => {
    const upstream = connect(path);
    client.on('data', (bytes) => {
      if (cut === 0 && /\binfo\b/i.test(bytes.toString('latin1'))) {
        cut++;
        client.destroy();
      } else upstream.write(bytes);
    });
    upstream.pipe(client);
    client.on('close', () => upstream.destroy());
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  await roundTrip(one({ server: { port, password: 'right' } }));
  expect(cut).toBe(1);
  proxy.close();
});

test('a wrong password, and none, are BROKER_AUTH without the password', async () => {
  const wrong = await failure(one({ server: { ...server.endpoint, password: 'wrong-word' } }).open());
  expect(wrong.code).toBe('BROKER_AUTH');
  expect(wrong.message).not.toContain('wrong-word');
  const { path } = server.endpoint;
  expect((await failure(one({ server: { ...(path !== undefined && { path }) } }).open())).code).toBe('BROKER_AUTH');
});

test('an ACL user that may use the keys and channels of the namespace suffices', async () => {
  const admin = new Redis({ ...server.endpoint });
  await admin.call('ACL', 'SETUSER', 'edge', 'on', '>pass', '~edgeflow:*', '&edgeflow:*', '+@all', '-@admin', '-@dangerous');
  const { path } = server.endpoint;
  const broker = one({ server: { ...(path !== undefined && { path }), username: 'edge', password: 'pass' } });
  await roundTrip(broker);
  await broker.reset();
  expect(await admin.dbsize()).toBe(0);
  await admin.call('ACL', 'SETUSER', 'edge', 'resetchannels');
  admin.disconnect();
  const deaf = one({ server: { ...(path !== undefined && { path }), username: 'edge', password: 'pass' } });
  await deaf.declare({ topic: 't', groups: ['g'] });
  expect((await failure(deaf.pop('t', { group: 'g', consumer: 'a', count: 1, waitMs: 1_000 }))).code).toBe('BROKER_AUTH');
});

test('reset refuses a server with keys of others, and one whose other databases are in use', async () => {
  const admin = new Redis({ ...server.endpoint });
  const broker = one({ server: server.endpoint });
  await broker.push('t', numbered(1));
  await admin.set('theirs', 'x');
  const refused = await failure(broker.reset());
  expect(refused.code).toBe('BROKER_NOT_DEDICATED');
  expect(refused.message).toContain('theirs');
  await broker.reset({ scope: 'namespace' });
  expect(await admin.keys('*')).toEqual(['theirs']);
  await admin.del('theirs');
  await admin.select(3);
  await admin.set('theirs', 'x');
  expect((await failure(broker.reset())).code).toBe('BROKER_NOT_DEDICATED');
  admin.disconnect();
});

test('a server that would evict messages is refused', async () => {
  const evicting = await startRedisServer({ config: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'] });
  try {
    expect((await failure(one({ server: evicting.endpoint }).open())).code).toBe('BROKER_CONFIG');
  } finally {
    await evicting.stop();
  }
});

test('TLS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgeflow-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
      ...subject,
    ],
    { stdio: 'ignore' },
  );
  const secure = await startRedisServer({
    transport: 'tcp',
    tls: true,
    config: [`tls-cert-file ${certificate}`, `tls-key-file ${key}`, `tls-ca-cert-file ${certificate}`, 'tls-auth-clients no'],
  });
  try {
    await roundTrip(one({ server: { ...secure.endpoint, tls: { ca: readFileSync(certificate, 'utf8') } } }));
    expect((await failure(one({ server: { ...secure.endpoint, tls: {} } }).open())).code).toBe('BROKER_UNREACHABLE');
  } finally {
    await secure.stop();
    rmSync(folder, { recursive: true });
  }
});

test('addresses', () => {
  expect(parseEndpoint('redis://me:p%40ss@host:7000/2')).toEqual({ host: 'host', port: 7000, username: 'me', password: 'p@ss', db: 2 });
  expect(parseEndpoint('rediss://host')).toEqual({ host: 'host', port: 6379, tls: {} });
  expect(parseEndpoint('/run/redis.sock')).toEqual({ path: '/run/redis.sock' });
  expect(() => parseEndpoint('http://user:hidden@host')).toThrow(expect.objectContaining({ code: 'BROKER_CONFIG' }));
  expect(() => parseEndpoint('http://user:hidden@host')).not.toThrow(/hidden/);
});
