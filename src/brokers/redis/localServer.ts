import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EdgeFlowError } from '../../errors.js';
import type { LocalRedisOptions } from './localPair.js';

interface LocalServerOptions {
  readonly program: string;
  readonly folder: string;
  readonly socket: string;
  readonly password: string;
  /** Folder that is deleted with all servers in it when this process ends. */
  readonly temporary: string | undefined;
  readonly durability: NonNullable<LocalRedisOptions['durability']>;
}

/**
 * Runs a server, and ends it when standard input ends: that happens when this process closes it or dies, of kill -9
 * too. Then it deletes the folder that is its second argument, if there is one. 127 is the shell's word for a program that it can't find.
 */
const guard = `
exec 3<&0
command -v "$0" >/dev/null 2>&1 || exit 127
"$0" "$1" </dev/null 3<&- & server=$!
(read -r _ <&3; [ -z "$2" ] || : >"$2/ended"; kill "$server") 2>/dev/null & watch=$!
wait "$server"; code=$?
kill "$watch" 2>/dev/null
[ -n "$2" ] && [ -e "$2/ended" ] && rm -rf "$2"
exit "$code"
`;

const startMs = 30_000;
const stopMs = 5_000;

/** One redis-server that lives as long as this process, and is started again when it dies. */
export class LocalServer {
  readonly socket: string;
  readonly #options: LocalServerOptions;
  #guard: ChildProcess | undefined;
  #stopping = false;

  constructor(options: LocalServerOptions) {
    this.#options = options;
    this.socket = options.socket;
  }

  async start(): Promise<void> {
    const { folder, socket, password, durability, program } = this.#options;
    const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
    const lines = [
      'port 0',
      `unixsocket ${quoted(socket)}`,
      'unixsocketperm 600',
      `requirepass ${quoted(password)}`,
      `dir ${quoted(folder)}`,
      `logfile ${quoted(join(folder, 'redis.log'))}`,
      'save ""',
      `appendonly ${durability === 'none' ? 'no' : 'yes'}`,
      // 'everysec' is worse than 'no' when the server is killed: it may hold writes back while the disk is busy.
      `appendfsync ${durability === 'power' ? 'always' : 'no'}`,
      'maxmemory-policy noeviction',
      'daemonize no',
      '',
    ];
    // The password stands in this file alone: arguments are visible to all users.
    const config = join(folder, 'redis.conf');
    await rm(config, { force: true });
    await writeFile(config, lines.join('\n'), { mode: 0o600 });
    await rm(socket, { force: true });
    const running = this.#run(program, config);
    const end = performance.now() + startMs;
    while (!existsSync(socket)) {
      if (running.exitCode === 127)
        throw new EdgeFlowError(
          'BROKER_MISSING_DEPENDENCY',
          `${program} not found: install Redis 6.2 or newer (Debian: apt install redis-server; macOS: brew install redis), or use the embedded broker`,
        );
      if (running.exitCode !== null || performance.now() > end) {
        const log = await readFile(join(folder, 'redis.log'), 'utf8').catch(() => 'it left no log');
        throw new EdgeFlowError('BROKER_UNREACHABLE', `${program} did not start (exit ${running.exitCode}): ${log.trim().slice(-500)}`);
      }
      await delay(5);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const running = this.#guard;
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.stdin?.end();
    const late = setTimeout(() => {
      // The guard leads a process group of its own.
      if (running.pid !== undefined) process.kill(-running.pid, 'SIGKILL');
    }, stopMs);
    await exited;
    clearTimeout(late);
  }

  #run(program: string, config: string): ChildProcess {
    // A group of its own: Ctrl-C in the terminal is for this process, which drains before it stops its servers.
    const child = spawn('/bin/sh', ['-c', guard, program, config, this.#options.temporary ?? ''], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#guard = child;
    child.stdin.on('error', () => undefined);
    const begun = performance.now();
    child.once('exit', (code) => {
      if (this.#stopping || code === 127) return;
      const ranLong = performance.now() - begun > 1_000;
      setTimeout(() => !this.#stopping && this.#run(program, config), ranLong ? 0 : 1_000).unref();
    });
    child.unref();
    return child;
  }
}
