import type { BrokerConfig } from '../broker.js';
import { parseEndpoint } from './endpoint.js';
import type { RedisEndpoint } from './endpoint.js';
import { startLocalPair } from './localPair.js';
import type { LocalRedisOptions } from './localPair.js';
import { RedisBrokerBase } from './redisBrokerBase.js';
import type { RedisClientOptions, RedisServers } from './redisBrokerBase.js';

/** Options of {@link DualRedisBroker}. */
export interface DualRedisBrokerOptions extends RedisClientOptions {
  /** The server for ids, groups and acks. @defaultValue 'redis://127.0.0.1:6379' */
  readonly control?: RedisEndpoint;
  /** The server for payloads. @defaultValue 'redis://127.0.0.1:6380' */
  readonly data?: RedisEndpoint;
}

/** Options of {@link RedisBroker}. */
export interface RedisBrokerOptions extends RedisClientOptions {
  /** @defaultValue 'redis://127.0.0.1:6379' */
  readonly server?: RedisEndpoint;
}

/**
 * A broker on two Redis servers: ids on one, payloads on the other, so that small messages never wait behind frames.
 *
 * Messages survive what the servers survive: run them with `appendonly yes` and `maxmemory-policy noeviction`, and with
 * `appendfsync always` where a loss of power counts.
 *
 * @example
 * ```ts
 * const broker = new DualRedisBroker({ control: 'redis://10.0.0.5:6379', data: '/run/redis/data.sock' });
 * console.log(await broker.stats());
 * ```
 */
export class DualRedisBroker extends RedisBrokerBase {
  readonly kind = 'dual-redis';
  readonly #servers: RedisServers;

  constructor(options: DualRedisBrokerOptions = {}) {
    super(options);
    const { control = 'redis://127.0.0.1:6379', data = 'redis://127.0.0.1:6380' } = options;
    this.#servers = { control: parseEndpoint(control), data: parseEndpoint(data) };
  }

  /**
   * A broker that starts its own two servers when it is first used, and stops them at `close()`. They listen on unix
   * sockets that only this user can open, with a random password, and end when this process ends, however it ends.
   *
   * @throws EdgeFlowError `BROKER_MISSING_DEPENDENCY` from `open()` where there is no redis-server.
   */
  static local(options: LocalRedisOptions & RedisClientOptions = {}): DualRedisBroker {
    return new LocalRedisBroker(options);
  }

  protected servers(): Promise<RedisServers> {
    return Promise.resolve(this.#servers);
  }

  protected configOf({ control, data }: RedisServers): BrokerConfig {
    return { kind: this.kind, options: { ...this.settings, control, data } };
  }
}

class LocalRedisBroker extends DualRedisBroker {
  readonly #local: LocalRedisOptions;

  constructor(options: LocalRedisOptions & RedisClientOptions) {
    super(options);
    this.#local = options;
  }

  protected override servers(): Promise<RedisServers> {
    return startLocalPair(this.#local);
  }
}

/**
 * A broker on one Redis server, for where there is only one. Frames then delay small messages: see the benchmark of
 * both.
 *
 * @example
 * ```ts
 * const broker = new RedisBroker({ server: 'rediss://user:password@redis.example:6380' });
 * console.log(await broker.stats());
 * ```
 */
export class RedisBroker extends RedisBrokerBase {
  readonly kind = 'redis';
  readonly #servers: RedisServers;

  constructor(options: RedisBrokerOptions = {}) {
    super(options);
    const server = parseEndpoint(options.server ?? 'redis://127.0.0.1:6379');
    this.#servers = { control: server, data: server };
  }

  protected servers(): Promise<RedisServers> {
    return Promise.resolve(this.#servers);
  }

  protected configOf({ control }: RedisServers): BrokerConfig {
    return { kind: this.kind, options: { ...this.settings, server: control } };
  }
}
