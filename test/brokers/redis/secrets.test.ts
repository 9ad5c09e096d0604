import { numbered, until } from 'edgeflow/testing';
import { QoS, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { EdgeFlowError } from '#src/errors.js';
import { DualRedisBroker, RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { describeEndpoint, parseEndpoint } from '#src/brokers/redis/endpoint.js';
import type { RedisAddress, RedisEndpoint } from '#src/brokers/redis/endpoint.js';
import { seenProcesses } from '../../support/processes.js';
import { startRedisServer } from '../../support/redisServer.js';
import type { TestRedis } from '../../support/redisServer.js';
import { nodeFile, temporaryFolder } from '../../support/system.js';

const folder = temporaryFolder();
const servers: TestRedis[] = [];
const systems: RunningSystem[] = [];
afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => system.stop()));
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function started(options: Parameters<typeof startRedisServer>[0]): Promise<TestRedis> {
  const server = await startRedisServer(options);
  servers.push(server);
  return server;
}

/** All that a program may print of a value. */
function printed(value: unknown): string {
  const texts = [inspect(value, { depth: Infinity, showHidden: true }), String(value)];
  try {
    texts.push(JSON.stringify(value));
  } catch {
    // In a circle: nobody prints it so.
  }
  if (value instanceof Error) texts.push(value.message, value.stack ?? '', printed(value.cause));
  return texts.join('\n');
}

function expectSecret(secrets: readonly string[], ...values: unknown[]): void {
  const text = values.map(printed).join('\n');
  for (const secret of secrets) if (text.includes(secret)) throw new Error(`'${secret}' is in: ${text}`);
}

/** A password of two halves, for half a password must not be seen either, with signs between that urls are made of. */
const password = fc
  .tuple(
    fc.oneof(fc.stringMatching(/^[a-z]{10}$/), fc.integer({ min: 41_111, max: 65_535 }).map(String)),
    fc.constantFrom('', '@', ':', '/', '#', '?', '%', '%zz', '\\', '"', "'", ' ', '&', '=', '[', ']', '\u00e9', '@x/', '//', '?a=b#'),
    fc.stringMatching(/^[a-z]{10}$/),
  )
  .map(([first, sign, second]) => ({ text: `${first}${sign}${second}`, halves: [first, second] }));

/** All ways to write an address, right and wrong ones. */
const addressForms: readonly ((password: string) => RedisEndpoint)[] = [
  (text) => `redis://:${encodeURIComponent(text)}@127.0.0.1:1`,
  (text) => `redis://user:${encodeURIComponent(text)}@127.0.0.1:1/3`,
  (text) => `rediss://user:${encodeURIComponent(text)}@localhost:1`,
  (text) => `unix://user:${encodeURIComponent(text)}@localhost/nowhere/redis.sock`,
  (text) => ({ host: '127.0.0.1', port: 1, password: text }),
  (text) => ({ path: '/nowhere/redis.sock', username: 'user', password: text }),
  (text) => ({ port: 1, password: text, tls: { passphrase: text } }),
  // As people write them:
  (text) => `redis://:${text}@127.0.0.1:1`,
  (text) => `redis://user:${text}@127.0.0.1:1`,
  (text) => `redis:user:${text}@127.0.0.1`,
  (text) => `unix://user:${text}@/nowhere/redis.sock`,
  (text) => `unix:user:${text}@/nowhere/redis.sock`,
  (text) => `user:${text}@127.0.0.1:1`,
  (text) => `//user:${text}@127.0.0.1:1`,
  (text) => `http://user:${text}@127.0.0.1:1`,
  (text) => `redis://127.0.0.1:1/${text}`,
  (text) => text,
  (text) => ({ host: `redis://user:${text}@127.0.0.1`, port: 1 }),
  (text) => ({ host: `user:${text}@127.0.0.1` }),
  (text) => ({ path: `redis://user:${text}@127.0.0.1` }),
];

test('no way to write an address shows the password, neither in the broker nor in the error', () => {
  fc.assert(
    fc.property(password, fc.constantFrom(...addressForms), fc.boolean(), ({ text, halves }, form, two) => {
      const address = form(text);
      try {
        expectSecret(
          halves,
          describeEndpoint(parseEndpoint(address)),
          two ? new DualRedisBroker({ control: address, data: address }) : new RedisBroker({ server: address }),
        );
      } catch (error) {
        if (!(error instanceof EdgeFlowError)) throw error;
        expect(error.code).toBe('BROKER_CONFIG');
        expectSecret(halves, error);
      }
    }),
    { numRuns: 3_000 },
  );
});

/** Makes a broker fail, and gives its error. */
async function failure(
  make: () => RedisBroker | DualRedisBroker,
  use: (broker: RedisBroker | DualRedisBroker) => Promise<unknown> = (broker) => broker.open(),
): Promise<unknown> {
  const broker = make();
  try {
    await use(broker);
  } catch (error) {
    return [error, broker];
  } finally {
    await broker.close();
  }
  throw new Error('it did not fail');
}

/** One of the passwords that need no configuration file to be written with care. */
const secret = `zq${Math.random().toString(36).slice(2, 12)}word`;
const wrong = `yx${Math.random().toString(36).slice(2, 12)}word`;

describe.concurrent('no failure shows the password', () => {
  const written: unknown[] = [];
  const onWarning = (warning: unknown): void => void written.push(warning);
  let guarded: TestRedis;
  beforeAll(async () => {
    for (const name of ['log', 'warn', 'error', 'info'] as const)
      vi.spyOn(console, name).mockImplementation((...args: unknown[]) => void written.push(args));
    process.on('warning', onWarning);
    guarded = await started({ password: secret });
  });
  afterAll(() => {
    process.off('warning', onWarning);
    vi.restoreAllMocks();
  });

  /** Runs a failure, and looks through its error and all that was written to the console until then. */
  async function silent(run: () => Promise<unknown>, code: string, more: readonly string[] = []): Promise<void> {
    const result = (await run()) as [error: unknown, broker: unknown];
    expect(result[0]).toMatchObject({ code });
    expectSecret([secret, wrong, ...more], ...result, written);
  }

  const path = (): RedisAddress => guarded.endpoint;

  test.each<[string, RedisEndpoint]>([
    ['a port where nobody listens', `redis://user:${wrong}@127.0.0.1:1`],
    ['a port where nobody listens, with TLS', `rediss://user:${wrong}@127.0.0.1:1`],
    ['a name that nobody has', `redis://user:${wrong}@nowhere.invalid`],
    ['a socket that is not there', `unix://:${wrong}@localhost/nowhere/redis.sock`],
    ['parts', { host: '127.0.0.1', port: 1, username: 'user', password: wrong, tls: { passphrase: wrong } }],
  ])('unreachable: %s', async (_, address) => {
    await silent(() => failure(() => new DualRedisBroker({ control: address, data: address })), 'BROKER_UNREACHABLE');
  });

  test('a port where something else listens', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await silent(() => failure(() => new RedisBroker({ server: `redis://:${wrong}@127.0.0.1:${port}` })), 'BROKER_UNREACHABLE');
    other.close();
  });

  test('a wrong password, for the default user and for another', async () => {
    for (const username of [undefined, 'somebody'])
      await silent(
        () => failure(() => new RedisBroker({ server: { ...path(), password: wrong, ...(username !== undefined && { username }) } })),
        'BROKER_AUTH',
      );
  });

  test('a wrong password on a server that does not know HELLO', async () => {
    const old = await started({ password: secret, config: ['rename-command HELLO ""'] });
    await silent(() => failure(() => new RedisBroker({ server: { ...old.endpoint, password: wrong } })), 'BROKER_AUTH');
  });

  test('a server that knows neither HELLO nor AUTH, and says so with their arguments', async () => {
    const odd = await started({ config: ['rename-command HELLO ""', 'rename-command AUTH ""'] });
    await silent(() => failure(() => new RedisBroker({ server: { ...odd.endpoint, password: wrong } })), 'BROKER_UNREACHABLE');
  });

  test('TLS spoken to a server that has none', async () => {
    const plain = await started({ transport: 'tcp', password: secret });
    await silent(() => failure(() => new RedisBroker({ server: { ...plain.endpoint, tls: { passphrase: wrong } } })), 'BROKER_UNREACHABLE');
  });

  test('TLS with a certificate that nobody knows', async () => {
    const [key, certificate] = [join(guarded.directory, 'key.pem'), join(guarded.directory, 'cert.pem')];
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ];
    execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    const secure = await started({
      transport: 'tcp',
      tls: true,
      password: secret,
      config: [`tls-cert-file ${certificate}`, `tls-key-file ${key}`, `tls-ca-cert-file ${certificate}`, 'tls-auth-clients no'],
    });
    await silent(() => failure(() => new RedisBroker({ server: { ...secure.endpoint, tls: {} } })), 'BROKER_UNREACHABLE');
  });

  test('a server that evicts, and one that is not EdgeFlow’s alone', async () => {
    const evicting = await started({ password: secret, config: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'] });
    await silent(() => failure(() => new RedisBroker({ server: evicting.endpoint })), 'BROKER_CONFIG');
    const admin = new Redis({ ...path() });
    await admin.set('theirs', 'x');
    await silent(
      () =>
        failure(
          () => new RedisBroker({ server: path() }),
          (broker) => broker.reset(),
        ),
      'BROKER_NOT_DEDICATED',
    );
    await admin.del('theirs');
    admin.disconnect();
  });

  test('a user without rights, and what is in the message', async () => {
    const admin = new Redis({ ...path() });
    await admin.call(
      'ACL',
      'SETUSER',
      'poor',
      'on',
      `>${wrong}`,
      '~edgeflow:*',
      '&edgeflow:*',
      '+ping',
      '+info',
      '+srandmember',
      '+subscribe',
    );
    const poor = { ...path(), username: 'poor', password: wrong };
    const push = (broker: RedisBroker | DualRedisBroker): Promise<unknown> =>
      broker.push('t', { ...numbered(1), meta: Buffer.from('bytes-of-the-message') });
    await silent(() => failure(() => new RedisBroker({ server: poor }), push), 'BROKER_AUTH', ['bytes-of-the-message']);
    admin.disconnect();
  });

  test('a server that does not know a command, and repeats what it was given', async () => {
    const odd = await started({ password: secret, config: ['rename-command EVALSHA ""'] });
    const result = await failure(
      () => new RedisBroker({ server: odd.endpoint }),
      (broker) => broker.push('t', { ...numbered(1), id: 'id-of-the-message' }),
    );
    expectSecret([secret, 'id-of-the-message'], result);
  });

  test('servers of its own that do not start', async () => {
    const broker = DualRedisBroker.local({ redisServer: '/bin/false' });
    const error: unknown = await broker.open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'BROKER_UNREACHABLE' });
    // 24 random bytes in base64url, which no error has otherwise.
    expect(printed([error, broker])).not.toMatch(/(?<![\w-])[\w-]{32}(?![\w-])/);
    await broker.close();
  });
});

describe('a running system', () => {
  test.runIf(process.platform === 'linux')('has it in no command line, no environment of a worker, and no log', async () => {
    const server = await started({ password: secret });
    const logs: string[] = [];
    const { path = '' } = server.endpoint;
    const url = `unix://:${secret}@localhost${path}`;
    process.env.EDGEFLOW_CONTROL_URL = url;
    process.env.EDGEFLOW_DATA_URL = url;
    try {
      const system = new System('secrets');
      const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 5 });
      const sink = system.node(nodeFile('recorder'), { name: 'sink', file: folder.path('sink') });
      system.link(source).to(sink, QoS.DURABLE);
      const running = await system.run({
        broker: new RedisBroker({ server: url }),
        handleSignals: false,
        onLog: (node, line) => logs.push(`${node} | ${line}`),
      });
      systems.push(running);
      const workers = new Set(running.status().map(({ pid }) => pid));
      const seen = await seenProcesses();
      expect(seen.filter(({ pid }) => workers.has(pid))).toHaveLength(2);
      for (const { pid, commandLine, environment } of seen)
        // This process itself was given the addresses a moment ago, and its environment at its start is what is seen.
        if (pid !== process.pid) expectSecret([secret], commandLine, environment);
      expectSecret([secret], running, system);

      // From now on nobody gets in: workers that start again say so.
      const admin = new Redis({ ...server.endpoint });
      await admin.config('SET', 'requirepass', wrong);
      for (const pid of workers) if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await until('workers were refused', () => running.status().some(({ state }) => state === 'failed'));
      await admin.config('SET', 'requirepass', secret);
      admin.disconnect();
      const error: unknown = await running.done.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'BROKER_AUTH' });
      expect(logs.length).toBeGreaterThan(0);
      expectSecret([secret, wrong], error, logs, running.status());
    } finally {
      delete process.env.EDGEFLOW_CONTROL_URL;
      delete process.env.EDGEFLOW_DATA_URL;
    }
  });
});
