import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalServer } from './localServer.js';
import type { RedisServers } from './redisBrokerBase.js';

/** Options of {@link DualRedisBroker.local}. */
export interface LocalRedisOptions {
  /** Folder for what the servers store, kept when they stop. @defaultValue a temporary folder, deleted at `close()` */
  readonly directory?: string;
  /**
   * What messages survive: `process` the death of any process, the servers' own included; `power` a loss of power too
   * (each answer waits for the disk); `none` nothing: no append-only file is written. @defaultValue 'process'
   */
  readonly durability?: 'none' | 'process' | 'power';
  /** Program to run. @defaultValue 'redis-server' */
  readonly redisServer?: string;
}

/** Starts a control and a data server for this process alone. */
export async function startLocalPair(options: LocalRedisOptions): Promise<RedisServers> {
  const { directory, durability = 'process', redisServer = 'redis-server' } = options;
  // Short names, for the path of a unix socket is limited to some 100 bytes; mkdtemp makes the folder 0700.
  const sockets = await mkdtemp(join(tmpdir(), 'edgeflow-'));
  const store = directory ?? join(sockets, 'store');
  const password = randomBytes(24).toString('base64url');
  const make = async (name: string): Promise<LocalServer> => {
    const folder = join(store, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    return new LocalServer({
      program: redisServer,
      folder,
      socket: join(sockets, `${name}.sock`),
      password,
      durability,
      temporary: directory === undefined ? sockets : undefined,
    });
  };
  const servers: LocalServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(sockets, { recursive: true, force: true });
  };
  try {
    const control = await make('control');
    const data = await make('data');
    servers.push(control, data);
    await Promise.all(servers.map((server) => server.start()));
    return { control: { path: control.socket, password }, data: { path: data.socket, password }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
