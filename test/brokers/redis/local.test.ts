import { numbered, numberOf, until } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { BrokerConfig } from '#src/brokers/broker.js';
import { connectRedisBroker } from '#src/brokers/redis/connect.js';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { listeningTcp, seenProcesses } from '../../support/processes.js';
import { runModule } from '../../support/runModule.js';

interface LocalConfig {
  kind: string;
  options: { control: { path: string; password: string }; data: { path: string; password: string } };
}

/** Command lines of all processes that name a folder. */
async function processesOf(folder: string): Promise<string[]> {
  const lines = await Promise.all(
    (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(folder) && !line.includes('TEST_DATA'));
}

const onLinux = process.platform === 'linux';

test('local() starts its pair when it is first used, serves other clients, and leaves nothing behind', async () => {
  const broker = DualRedisBroker.local();
  const config = (await broker.open()) as unknown as LocalConfig;
  const folder = dirname(config.options.control.path);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'store/control/redis.conf'))).mode & 0o777).toBe(0o600);
  if (onLinux) {
    const lines = await processesOf(folder);
    expect(lines.filter((line) => line.startsWith('redis-server'))).toHaveLength(2);
    expect(lines.join()).not.toContain(config.options.control.password);
  }
  const other = connectRedisBroker(JSON.parse(JSON.stringify(config)) as BrokerConfig);
  await broker.declare({ topic: 't', groups: ['g'] });
  await broker.push('t', numbered(7, 10_000));
  const popped = await other.pop('t', { group: 'g', consumer: 'a', count: 1, waitMs: 1_000 });
  expect(popped.map(numberOf)).toEqual([7]);
  await other.close();
  await broker.close();
  expect(existsSync(folder)).toBe(false);
  if (onLinux) expect(await processesOf(folder)).toEqual([]);
});

test.runIf(onLinux)('its servers listen on sockets of this user alone, and their password is in their configuration alone', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'edgeflow-kept-'));
  const brokers = [DualRedisBroker.local(), DualRedisBroker.local({ directory })];
  try {
    const passwords = new Set<string>();
    const sockets: string[] = [];
    for (const broker of brokers) {
      const { control, data } = ((await broker.open()) as unknown as LocalConfig).options;
      const store = broker === brokers[0] ? join(dirname(control.path), 'store') : directory;
      expect(control.password).toBe(data.password);
      // 24 random bytes.
      expect(control.password).toMatch(/^[\w-]{32}$/);
      passwords.add(control.password);
      for (const [name, { path }] of Object.entries({ control, data })) {
        const folder = join(store, name);
        sockets.push(path);
        expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
        expect((await stat(folder)).mode & 0o777).toBe(0o700);
        expect((await stat(path)).mode & 0o777).toBe(0o600);
        expect((await stat(join(folder, 'redis.conf'))).mode & 0o777).toBe(0o600);
        for (const file of await readdir(folder, { recursive: true, withFileTypes: true }))
          if (file.isFile() && file.name !== 'redis.conf')
            expect(await readFile(join(file.parentPath, file.name), 'latin1')).not.toContain(control.password);
        const stranger = new Redis({ path, retryStrategy: () => null }).on('error', () => undefined);
        await expect(stranger.ping()).rejects.toThrow(/NOAUTH/);
        stranger.disconnect();
      }
    }
    expect(passwords.size).toBe(2);

    const processes = await seenProcesses();
    const servers = processes.filter(
      ({ commandLine }) => commandLine.startsWith('redis-server') && sockets.some((path) => commandLine.includes(path)),
    );
    expect(servers).toHaveLength(4);
    for (const { pid } of servers) expect(await listeningTcp(pid)).toEqual([]);
    for (const { commandLine, environment } of processes)
      for (const password of passwords) expect(`${commandLine} ${environment}`).not.toContain(password);
  } finally {
    await Promise.all(brokers.map((broker) => broker.close()));
    rmSync(directory, { recursive: true });
  }
});

test('a broker that is made and not used starts nothing', async () => {
  await DualRedisBroker.local({ redisServer: '/nonexistent' }).close();
});

test('without redis-server, open() says what to install', async () => {
  const broker = DualRedisBroker.local({ redisServer: 'redis-server-that-is-not-here' });
  await expect(broker.open()).rejects.toMatchObject({ code: 'BROKER_MISSING_DEPENDENCY' });
  await broker.close();
});

test('a named folder keeps the messages', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'edgeflow-kept-'));
  try {
    const first = DualRedisBroker.local({ directory });
    await first.declare({ topic: 't', groups: ['g'] });
    await first.push('t', numbered(1, 100_000));
    await first.close();
    const second = DualRedisBroker.local({ directory });
    const popped = await second.pop('t', { group: 'g', consumer: 'a', count: 1, waitMs: 0 });
    expect(popped.map(({ payload }) => payload.length)).toEqual([100_000]);
    await second.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.runIf(onLinux)('a server that is killed is started again on what it stored', async () => {
  const broker = DualRedisBroker.local();
  try {
    const config = (await broker.open()) as unknown as LocalConfig;
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.push('t', numbered(1, 100_000));
    const folder = dirname(config.options.control.path);
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (line.startsWith('redis-server') && line.includes(folder)) process.kill(Number(pid), 'SIGKILL');
    }
    await broker.push('t', numbered(2, 100_000));
    const popped = await broker.pop('t', { group: 'g', consumer: 'a', count: 2, waitMs: 10_000 });
    expect(popped.map(numberOf)).toEqual([1, 2]);
  } finally {
    await broker.close();
  }
});

test.runIf(onLinux)('kill -9 of the process leaves no server and no files', async () => {
  const owner = runModule(`
    import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
    const { options } = await DualRedisBroker.local().open();
    console.log('path ' + options.control.path);
  `);
  const folder = dirname(await owner.line('path'));
  expect((await processesOf(folder)).filter((line) => line.startsWith('redis-server'))).toHaveLength(2);
  await owner.kill();
  await until('no server is left', async () => (await processesOf(folder)).length === 0);
  await until('its folder is gone', () => !existsSync(folder));
});
