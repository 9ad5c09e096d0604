import { numbered, numberOf, until } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Broker } from '#src/brokers/broker.js';
import { DualRedisBroker, RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { flush } from '../../support/redisHarness.js';
import { startRedisServer } from '../../support/redisServer.js';
import type { TestRedis } from '../../support/redisServer.js';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/redis-acl.md'), 'utf8');

/** The lines of the page: control server, data server. */
const [controlLine = '', dataLine = ''] = [...page.matchAll(/```redis\n(ACL .*)\n```/g)].map(([, line = '']) => line);
const [, further = ''] = /as well: `([^`]+)`/.exec(page) ?? [];
const password = 'a-long-password';

function granted(line: string): string[] {
  return line.split(' ').flatMap((word) => (word.startsWith('+') ? word.slice(1) : []));
}

/** All commands that the sources name. */
function usedCommands(): string[] {
  const folder = join(root, 'src/brokers/redis');
  const read = (directory: string, extension: string): string =>
    readdirSync(directory)
      .filter((name) => name.endsWith(extension))
      .map((name) => readFileSync(join(directory, name), 'utf8'))
      .join('\n');
  const scripts = read(join(folder, 'commands'), '.lua').matchAll(/\b(?:call|write)\(\s*'(\w+)'/g);
  const client = read(folder, '.ts');
  const named = client.matchAll(/\bcall(?:Buffer)?\(\s*'(\w+)'(?:,\s*'([A-Z]+)')?/g);
  const methods = client.matchAll(/\bclient\.(\w+)\((?:'([A-Z]+)')?/g);
  /** No commands, or one that the page refuses: a reset does without it. */
  const others = new Set(['on', 'connect', 'disconnect', 'call', 'callbuffer', 'flushall', 'pop', 'sendcommand']);
  /** Commands whose first word names what they do. */
  const containers = new Set(['client', 'object', 'pubsub']);
  const all = [...scripts, ...named, ...methods].flatMap(([, name = '', part]) => {
    if (others.has(name.toLowerCase())) return [];
    const command = name.toLowerCase().replace(/buffer$/, '');
    return part !== undefined && containers.has(command) ? `${command}|${part.toLowerCase()}` : command;
  });
  return [...new Set(all)].sort();
}

let servers: [control: TestRedis, data: TestRedis, both: TestRedis];
const clients: Broker[] = [];
const connections: Redis[] = [];

beforeAll(async () => {
  servers = await Promise.all([startRedisServer(), startRedisServer({ transport: 'tcp' }), startRedisServer()]);
  const lines = [controlLine, dataLine, `${controlLine} ${further}`];
  for (const [i, line] of lines.entries()) await admin(i).call('ACL', ...line.split(' ').slice(1));
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await flush(servers);
});
afterAll(async () => {
  for (const connection of connections) connection.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
});

function endpoint(server: number): { path?: string; host?: string; port?: number; username: string; password: string } {
  return { ...servers[server]?.endpoint, username: 'edgeflow', password };
}

function connected(server: number, options: object): Redis {
  const connection = new Redis({ ...servers[server]?.endpoint, ...options });
  connections.push(connection);
  return connection;
}

const admin = (server: number): Redis => connected(server, {});

function opened<B extends Broker>(client: B): B {
  clients.push(client);
  return client;
}

const dual = (): Broker => opened(new DualRedisBroker({ control: endpoint(0), data: endpoint(1), visibilityMs: 200 }));
const single = (): Broker => opened(new RedisBroker({ server: endpoint(2), visibilityMs: 200 }));

describe.each([
  ['two servers', dual],
  ['one server', single],
])('with the rights of the page, on %s,', (_, make) => {
  const a = { group: 'g', consumer: 'a' };
  const b = { group: 'g', consumer: 'b' };

  test('everything works', async () => {
    const broker = make();
    await broker.open();
    await broker.claim();
    await broker.reset({ scope: 'namespace' });
    await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
    await broker.push('t', numbered(1));
    const sent = numbered(2, 100_000);
    await broker.push('t', sent);
    expect((await broker.push('t', sent)).duplicate).toBe(true);
    expect((await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 }))?.payload.length).toBe(100_000);
    const [small, large] = await broker.pop('t', { ...a, count: 9, waitMs: 0 });
    if (!small || !large) throw new Error('two messages expected');
    expect(await broker.ack('t', a, [small])).toEqual({ fenced: [] });
    expect(await broker.nack('t', a, large, { error: 'again', retryAfterMs: 0 })).toBe(true);
    const [again] = await broker.pop('t', { ...a, count: 9, waitMs: 5_000, strict: true });
    if (!again) throw new Error('a message expected');
    expect(await broker.nack('t', a, again, { error: 'no' })).toBe(true);
    expect((await broker.deadLetters('t')).map(({ payload }) => payload.length)).toEqual([100_000]);

    // Woken by another client; then taken over from it, since it gives no sign of life any more.
    const other = make();
    const waiting = other.pop('t', { ...b, count: 1, waitMs: 20_000 });
    const latest = other.popLatest('t', { reader: 'r', consumer: 'b', waitMs: 20_000 });
    await broker.push('t', numbered(3, 5_000));
    expect((await waiting).map(numberOf)).toEqual([3]);
    expect((await latest)?.payload.length).toBe(5_000);
    await other.close();
    const [taken] = await broker.pop('t', { ...a, count: 1, waitMs: 20_000 });
    expect(taken && numberOf(taken)).toBe(3);
    await broker.release('t', a);

    // A full topic lets its publishers wait.
    await broker.declare({ topic: 'small', groups: ['g'], maxBytes: 10_000 });
    await broker.push('small', numbered(1, 20_000));
    const waits = broker.push('small', numbered(2));
    const [first] = await broker.pop('small', { ...a, count: 1, waitMs: 5_000 });
    if (!first) throw new Error('a message expected');
    await broker.ack('small', a, [first]);
    await waits;

    expect((await broker.stats()).map(({ topic }) => topic)).toEqual(['small', 't']);
    await until('nothing is left over', async () => (await broker.sweep({ graceMs: 0 })).orphans === 0);
    await broker.reset({ scope: 'namespace' });
    expect(await broker.stats()).toEqual([]);
    await broker.push('t', numbered(1, 100_000));
    await broker.reset();
    expect(await broker.stats()).toEqual([]);
  });

  test('keys of others are left alone', async () => {
    const others = make === dual ? [admin(0), admin(1)] : [admin(2)];
    for (const other of others) await other.set('theirs', 'x');
    const broker = make();
    await broker.push('t', numbered(1, 100_000));
    await expect(broker.reset()).rejects.toMatchObject({ code: 'BROKER_NOT_DEDICATED' });
    await broker.reset({ scope: 'namespace' });
    for (const other of others) expect(await other.keys('*')).toEqual(['theirs']);
  });
});

test.each(['-xread', '-client|unblock', '-client|id'])('with %s, who waits is served all the same', async (right) => {
  await admin(0).call('ACL', 'SETUSER', 'lesser', 'reset', ...controlLine.split(' ').slice(4), right);
  const broker = opened(new DualRedisBroker({ control: { ...endpoint(0), username: 'lesser' }, data: endpoint(1) }));
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  const ended = new AbortController();
  const waiting = { waitMs: 60_000, signal: ended.signal };
  const popped = broker.pop('t', { ...waiting, group: 'g', consumer: 'a', count: 1 });
  const latest = broker.popLatest('t', { ...waiting, reader: 'r', consumer: 'a' });
  await until('both hear the bell', async () =>
    ((await admin(0).call('PUBSUB', 'CHANNELS')) as string[]).includes('edgeflow:topic:t:bell'),
  );
  await broker.push('t', numbered(1));
  expect((await popped).map(numberOf)).toEqual([1]);
  expect((await latest)?.seq).toBe(1);
  const left = broker.pop('t', { ...waiting, group: 'g', consumer: 'a', count: 1 });
  ended.abort();
  expect(await left).toEqual([]);
});

describe('these rights end', () => {
  const refused: [string, ...string[]][] = [
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['KEYS', '*'],
    ['CONFIG', 'GET', '*'],
    ['ACL', 'LIST'],
    ['DEBUG', 'SLEEP', '0'],
    ['SHUTDOWN', 'NOSAVE'],
    ['CLIENT', 'LIST'],
    ['MONITOR'],
    ['SCRIPT', 'FLUSH'],
    ['FUNCTION', 'LIST'],
    ['SLAVEOF', 'NO', 'ONE'],
    ['SAVE'],
    ['MIGRATE', 'localhost', '1', 'edgeflow:x', '0', '1'],
    ['RESTORE', 'edgeflow:x', '0', 'x'],
    ['RENAME', 'edgeflow:x', 'theirs'],
  ];
  test.each([
    [
      'on the control server',
      0,
      [
        ['HGET', 'theirs', 'x'],
        ['HSET', 'theirs', 'x', '1'],
        ['UNLINK', 'theirs'],
        ['SET', 'edgeflow:x', '1'],
        ['SUBSCRIBE', 'theirs'],
        ['PUBLISH', 'theirs', ''],
        ['EVAL', "return redis.call('FLUSHALL')", '0'],
        ['EVAL', "return redis.call('HGET', 'theirs', 'x')", '0'],
        ['EVAL', 'return 1', '1', 'theirs'],
      ],
    ],
    [
      'on the data server',
      1,
      [
        ['GET', 'theirs'],
        ['SET', 'theirs', '1'],
        ['SET', 'edgeflow:topic:t', '1'],
        ['HSET', 'edgeflow:blob:x', 'x', '1'],
        ['SUBSCRIBE', 'edgeflow:main'],
        ['EVAL', 'return 1', '0'],
      ],
    ],
  ] as const)('%s', async (_, server, more) => {
    const user = connected(server, { username: 'edgeflow', password });
    for (const [command, ...args] of [...refused, ...more])
      await expect(user.call(command, ...args), command).rejects.toThrow(/NOPERM|The user executing the script can't/);
  });

  test('at the namespace: another one cannot be used', async () => {
    const broker = opened(new RedisBroker({ server: endpoint(2), namespace: 'theirs' }));
    await expect(broker.push('t', numbered(1))).rejects.toMatchObject({ code: 'BROKER_AUTH' });
  });

  test('at what is dangerous, but for the question after the version and the end of connections', async () => {
    const dangerous = new Set(((await admin(0).call('ACL', 'CAT', 'dangerous')) as string[]).map((name) => name.toLowerCase()));
    expect([...granted(controlLine), ...granted(dataLine)].filter((name) => dangerous.has(name))).toEqual([
      'info',
      'client|kill',
      'client|unblock',
      'info',
    ]);
  });
});

test('the page names every command that the sources name', () => {
  const rights = new Set([...granted(controlLine), ...granted(dataLine)]);
  expect(usedCommands().length).toBeGreaterThan(30);
  expect(usedCommands().filter((name) => !rights.has(name))).toEqual([]);
});

test('without the right to ask for the version it works all the same', async () => {
  await admin(2).call('ACL', 'SETUSER', 'mute', ...controlLine.split(' ').slice(3), ...further.split(' '), '-info');
  const broker = opened(new RedisBroker({ server: { ...endpoint(2), username: 'mute' } }));
  await broker.push('t', numbered(1, 10_000));
  await broker.reset();
  expect(await broker.stats()).toEqual([]);
});
