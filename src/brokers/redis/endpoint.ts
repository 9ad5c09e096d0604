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
  const address = typeof endpoint === 'string' ? parseText(endpoint) : endpoint;
  // Of a misplaced url, host or path would be printed with the password in it.
  if (!/^[^\s/@?#]*$/.test(address.host ?? '') || !/^\/(?!\/)/.test(address.path ?? '/')) throw unreadable();
  return address;
}

function parseText(text: string): RedisAddress {
  if (text.startsWith('/')) return { path: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Unescaped in a password, '#', '?' and '/' end the address in the middle of it: one half would pass for host and port,
  // the other, with the '@' behind it, for the path.
  if (url?.hash !== '' || url.search !== '' || url.pathname.includes('@')) throw unreadable();
  const credentials = {
    ...(url.username && { username: decode(url.username) }),
    ...(url.password && { password: decode(url.password) }),
  };
  if (url.protocol === 'unix:') return { path: decode(url.pathname), ...credentials };
  const db = url.pathname.length > 1 ? Number(url.pathname.slice(1)) : 0;
  if (!['redis:', 'rediss:'].includes(url.protocol) || !Number.isInteger(db) || db < 0) throw unreadable();
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: url.port ? Number(url.port) : 6379,
    ...credentials,
    ...(url.protocol === 'rediss:' && { tls: {} }),
    ...(db > 0 && { db }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unreadable();
  }
}

/** Says nothing of what was found: there may be a password in it. */
function unreadable(): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_CONFIG',
    "a Redis address can't be read; expected redis://user:password@host:port, rediss://… or the path of a unix socket, " +
      "with signs such as '@', '/', '#', '?' and '%' in a password written as encodeURIComponent writes them",
  );
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
