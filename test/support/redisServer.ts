import type { FaultAddress } from 'edgeflow/testing';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Options of {@link startRedisServer}. */
export interface TestRedisOptions {
  /** @defaultValue 'unix' */
  readonly transport?: 'unix' | 'tcp';
  readonly password?: string;
  /** Whether the TCP port speaks TLS; `config` names the certificate. @defaultValue false */
  readonly tls?: boolean;
  /** Further lines of the configuration, such as `maxmemory 64mb`. */
  readonly config?: readonly string[];
}

/** A real redis-server of a test, with an append-only file: what was answered survives a kill, if not a loss of power. */
export interface TestRedis {
  /** What a client connects to: `{ path }` or `{ host, port }`, and the password if there is one. */
  readonly endpoint: { path?: string; host?: string; port?: number; password?: string };
  readonly directory: string;
  readonly pid: number;
  /** Whether its process is gone. */
  readonly ended: boolean;
  /** Kills the server with a signal, SIGKILL unless told, and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same address and the same append-only file. */
  start(): Promise<void>;
  /** Stops the process without ending it, as a machine that hangs. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a redis-server in a temporary folder. Stop it in `afterAll` or `finally`. */
export async function startRedisServer(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { transport = 'unix', password, tls = false, config = [] } = options;
  const directory = await mkdtemp(join(tmpdir(), 'edgeflow-redis-'));
  const path = join(directory, 'redis.sock');
  const port = transport === 'tcp' ? await freePort() : 0;
  const configFile = join(directory, 'redis.conf');
  await writeFile(
    configFile,
    [
      'bind 127.0.0.1',
      ...(tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`]),
      ...(transport === 'unix' ? [`unixsocket ${path}`] : []),
      `dir ${directory}`,
      'save ""',
      'appendonly yes',
      'appendfsync no',
      'maxmemory-policy noeviction',
      'enable-debug-command yes',
      'logfile redis.log',
      ...(password === undefined ? [] : [`requirepass ${password}`]),
      ...config,
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  const endpoint = {
    ...(transport === 'unix' ? { path } : { host: '127.0.0.1', port }),
    ...(password === undefined ? {} : { password }),
  };

  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const started = spawn('redis-server', [configFile], { stdio: 'ignore' });
    child = started;
    running.add(started);
    started.once('exit', () => running.delete(started));
    await once(started, 'spawn').catch((cause: unknown) => {
      throw new Error('redis-server not found: run `npm run setup`', { cause });
    });
    while (!(await answers(transport === 'unix' ? { path } : { host: '127.0.0.1', port }))) {
      if (started.exitCode !== null || started.signalCode !== null) {
        const log = await readFile(join(directory, 'redis.log'), 'utf8').catch(() => 'no log file');
        throw new Error(`redis-server ended with ${started.exitCode ?? started.signalCode}: ${log.slice(-1000)}`);
      }
      await delay(5);
    }
  };
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    await exit;
  };

  await start();
  return {
    endpoint,
    directory,
    get pid() {
      return child?.pid ?? -1;
    },
    get ended() {
      return child?.exitCode !== null || child.signalCode !== null;
    },
    kill,
    start,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stop: async () => {
      await kill();
      // What it forked to rewrite its file may still be writing.
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Whether a server speaks at the address: any answer to PING but "still loading". A TLS port answers by hanging up. */
function answers(address: { path: string } | { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (reply) => {
      socket.destroy();
      resolve(!reply.toString('latin1').startsWith('-LOADING'));
    });
    socket.once('end', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNRESET');
    });
  });
}

/** Where a proxy finds the server. */
export function targetOf({ endpoint: { path, host, port } }: TestRedis): FaultAddress {
  if (path !== undefined) return { path };
  if (port === undefined) throw new Error('a server without an address');
  return { ...(host !== undefined && { host }), port };
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
