import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { diskFolder } from './disk.js';

/** How clients reach a server. */
export type Transport = 'tcp' | 'unix';

/** Where a server listens, as ioredis and BullMQ take it. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** A redis-server of one measurement. */
export interface BenchRedis {
  readonly address: Address;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The version of the installed redis-server; undefined where there is none. */
export function redisVersion(): string | undefined {
  const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return error ? undefined : (/v=(\S+)/.exec(stdout)?.[1] ?? 'unknown');
}

/** What a server writes to disk: nothing, which is Redis at its fastest, or everything before it answers. */
export type Persistence = 'none' | 'synced';

/** Starts an empty server in a folder of its own. */
export async function startRedis(transport: Transport, persistence: Persistence = 'none'): Promise<BenchRedis> {
  const directory = await mkdtemp(join(diskFolder(), 'edgeflow-bench-'));
  const address: Address = transport === 'unix' ? { path: join(directory, 'redis.sock') } : { host: '127.0.0.1', port: await freePort() };
  const listen = 'path' in address ? ['--port', '0', '--unixsocket', address.path] : ['--bind', address.host, '--port', `${address.port}`];
  const append = persistence === 'synced' ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const settings = ['--save', '', ...append, '--maxmemory-policy', 'noeviction', '--dir', directory, '--logfile', 'redis.log'];
  const child = spawn('redis-server', [...listen, ...settings], { stdio: 'ignore' });
  running.add(child);
  child.once('exit', () => running.delete(child));
  await once(child, 'spawn').catch((cause: unknown) => {
    throw new Error('redis-server not found: run `npm run setup`', { cause });
  });
  while (!(await answers(address))) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}: see ${join(directory, 'redis.log')}`);
    await delay(5);
  }
  return {
    address,
    pid: child.pid ?? -1,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      // What it forked to rewrite its file may still be writing.
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Bytes that a server has allocated. */
export async function usedMemory(address: Address): Promise<number> {
  const redis = new Redis(address);
  try {
    return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1] ?? NaN);
  } finally {
    redis.disconnect();
  }
}

function answers(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const answer = (up: boolean): void => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
