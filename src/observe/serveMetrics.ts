import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkOptions, portCheck } from '../checkOptions.js';
import { describeError, EdgeFlowError } from '../errors.js';
import { hostInUrl } from '../hostInUrl.js';
import { isLoopback, nameOfHost } from '../loopback.js';
import type { ObservedSystem } from './observed.js';
import { health } from './health.js';
import { metricsContentType, metricsText } from './metrics.js';

/** Options of {@link serveMetrics}. */
export interface ServeMetricsOptions {
  /** 0 takes a free one. @defaultValue 9464 */
  readonly port?: number;
  /** Address to listen on; another than the loopback shows names and counts to the network. @defaultValue '127.0.0.1' */
  readonly host?: string;
}

/** A server of metrics that listens. */
export interface MetricsServer {
  readonly url: string;
  /** Idempotent; the end of the system does it too. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const json = 'application/json; charset=utf-8';
const plain = 'text/plain; charset=utf-8';

/**
 * Answers `/metrics` for Prometheus, `/healthz` and `/readyz` (200 or 503) for whoever keeps the system running.
 *
 * @returns the server, once it listens; it ends with the system.
 * @throws EdgeFlowError `OPTIONS_INVALID` for an address that it cannot listen on.
 * @example
 * ```ts
 * const running = await system.run();
 * const { url } = await serveMetrics(running);
 * console.log(url);
 * ```
 */
export async function serveMetrics(
  running: ObservedSystem,
  { port = 9464, host = '127.0.0.1' }: ServeMetricsOptions = {},
): Promise<MetricsServer> {
  checkOptions('serveMetrics', [portCheck(port)]);
  // A page of a stranger, whose name was pointed to this host, asks with that name.
  const isForUs = ({ headers }: IncomingMessage): boolean => !isLoopback(host) || isLoopback(nameOfHost(headers.host ?? host));
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => void respond(running, isForUs(request), request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new EdgeFlowError('OPTIONS_INVALID', `serveMetrics: cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  server.unref();
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => {
        resolve();
      });
    });
  void running.done.catch(() => undefined).finally(close);
  const { address, port: taken } = server.address() as AddressInfo;
  return { url: `http://${hostInUrl(address)}:${taken}`, close };
}

async function respond(running: ObservedSystem, isForUs: boolean, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, type, body } = isForUs
    ? await answer(running, request)
    : { status: 421, type: plain, body: 'ask by the address that this listens on\n' };
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...(status === 405 && { allow: 'GET, HEAD' }) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answer(running: ObservedSystem, { method, url = '/' }: IncomingMessage): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: plain, body: 'only GET\n' };
  const [path] = url.split('?', 1);
  try {
    if (path === '/metrics') return { status: 200, type: metricsContentType, body: await metricsText(running) };
    const { alive, ready, nodes } = health(running);
    if (path === '/healthz') return { status: alive ? 200 : 503, type: json, body: JSON.stringify({ alive, nodes }) };
    if (path === '/readyz') return { status: ready ? 200 : 503, type: json, body: JSON.stringify({ ready, nodes }) };
    return { status: 404, type: plain, body: 'there are /metrics, /healthz and /readyz\n' };
  } catch (error) {
    // Such as a broker that is out of reach at this moment.
    return { status: 503, type: plain, body: `${describeError(error)}\n` };
  }
}
