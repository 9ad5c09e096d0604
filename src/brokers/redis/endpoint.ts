import type { RedisOptions } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';
import { EdgeFlowError } from '../../errors.js';

/**
 * Where a Redis server listens: a URL (`redis://user:password@host:6379/0`, `rediss://…` for TLS), the absolute path of
 * a unix socket, or the parts.
 */
export type RedisEndpoint = string | RedisAddress;

/** The parts of a {@link RedisEndpoint}. */
export interface RedisAddress {
  /** @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** @defaultValue 6379 */
  readonly port?: number;
  /** Unix socket; instead of host and port. */
  readonly path?: string;
  /** ACL user. @defaultValue the server's default user */
  readonly username?: string;
  readonly password?: string;
  /** TLS with these options of `node:tls`, such as `{ ca }` (texts, not Buffers); `{}` for the system's authorities. */
  readonly tls?: ConnectionOptions;
  /** Number of the database. @defaultValue 0 */
  readonly db?: number;
}

/** Takes an endpoint apart. @throws EdgeFlowError `BROKER_CONFIG` */
export function parseEndpoint(endpoint: RedisEndpoint): RedisAddress {
  if (typeof endpoint !== 'string') return endpoint;
  if (endpoint.startsWith('/')) return { path: endpoint };
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const db = url && url.pathname.length > 1 ? Number(url.pathname.slice(1)) : 0;
  if (!url || !['redis:', 'rediss:', 'unix:'].includes(url.protocol) || (url.protocol !== 'unix:' && !Number.isInteger(db)))
    // The text itself may hold a password.
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `a Redis address of ${endpoint.length} characters can't be read; expected redis://host:port, rediss://host:port or the path of a unix socket`,
    );
  const credentials = {
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
  };
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.pathname), ...credentials };
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: url.port ? Number(url.port) : 6379,
    ...credentials,
    ...(url.protocol === 'rediss:' && { tls: {} }),
    ...(db > 0 && { db }),
  };
}

/** The address for people; without secrets. */
export function describeEndpoint({ path, host = '127.0.0.1', port = 6379, tls }: RedisAddress): string {
  return path ?? `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Options by which ioredis connects there. */
export function connectionOptions({ path, host = '127.0.0.1', port = 6379, username, password, tls, db }: RedisAddress): RedisOptions {
  return {
    ...(path === undefined ? { host, port } : { path }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
    ...(db !== undefined && { db }),
  };
}
