import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { EdgeFlowError, errorMessage } from '../errors.js';
import { hostInUrl } from '../hostInUrl.js';
import { isLoopback } from '../loopback.js';
import { Api } from './api.js';
import { sendAsset } from './assets.js';
import { Guard } from './guard.js';
import { addSecurityHeaders, readJson, Refusal, send, sendJson, textOf } from './http.js';
import { limitConnections } from './limitConnections.js';
import type { Shown } from './shown.js';
import type { CheckedOptions } from './options.js';
import type { Dashboard } from './serveDashboard.js';

const maxConnections = 256;
/** Of one address: half of them stay for others, who may know the token. */
const maxOfAddress = maxConnections / 2;
/** What a caller may take before anything is known of it. */
const limits = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
} as const;
const maxLoginBytes = 2_048;

/** Starts the server of a dashboard. */
export async function startServer(running: Shown, options: CheckedOptions): Promise<Dashboard> {
  const guard = new Guard(options, () => portOf(server));
  const api = new Api(running, options.control);
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void answer(guard, api, request, response);
  const { tls } = options;
  const server = tls
    ? createSecureServer({ ...limits, handshakeTimeout: 5_000, key: pem(tls.key), cert: pem(tls.cert) }, onRequest)
    : createServer(limits, onRequest);
  server.maxConnections = maxConnections;
  limitConnections(server, maxOfAddress);
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    api.close();
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `serveDashboard: cannot listen on ${options.host}:${options.port} (${errorMessage(cause)}); name another port, or 0 for any free one`,
      { cause },
    );
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise<void>((resolve) => {
      api.close();
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
    return closing;
  };
  void running.done.catch(() => undefined).finally(() => void close());
  const address = `${tls ? 'https' : 'http'}://${hostInUrl(options.host)}:${portOf(server)}/`;
  if (!tls && !isLoopback(options.host))
    process.emitWarning(
      `The dashboard on ${address} speaks HTTP: whoever is on the way reads its token and what cameras see. Give it tls, or leave it on loopback and tunnel.`,
      { code: 'EDGEFLOW_DASHBOARD_IN_THE_CLEAR' },
    );
  // The fragment stays in the browser: no server and no log sees it.
  const url = options.token === undefined ? address : `${address}#token=${options.token}`;
  return { url, address, loopback: isLoopback(options.host), close };
}

const pem = (value: string | Uint8Array): string | Buffer => (typeof value === 'string' ? value : Buffer.from(value));

function portOf(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}

async function answer(guard: Guard, api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  addSecurityHeaders(response);
  try {
    await route(guard, api, request, response);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal(500, describe(error));
    if (refusal.retryAfterSeconds !== undefined && !response.headersSent) response.setHeader('retry-after', refusal.retryAfterSeconds);
    // What is left of a body that was not read would be taken for the next request.
    if (!request.complete && !response.headersSent) response.setHeader('connection', 'close');
    if (response.headersSent) response.destroy();
    else sendJson(response, { error: refusal.message }, refusal.status);
  }
}

/** What EdgeFlow says may be told; anything else may hold what is nobody's business. */
function describe(error: unknown): string {
  return error instanceof EdgeFlowError ? `${error.code}: ${error.message}` : 'this went wrong';
}

async function route(guard: Guard, api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  guard.checkSource(request);
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    response.setHeader('allow', 'GET, HEAD, POST');
    throw new Refusal(405, 'expected GET or POST');
  }
  const url = request.url?.startsWith('/') === true ? URL.parse(`http://dashboard${request.url}`) : null;
  if (!url) throw new Refusal(400, 'the path cannot be read');
  const { pathname, searchParams } = url;
  const known = guard.knows(request);
  if (method === 'POST') {
    guard.checkWrite(request);
    if (pathname === '/api/login') {
      const { token } = await readJson(request, maxLoginBytes);
      response.setHeader('set-cookie', guard.logIn(request, textOf(token, 'token')));
      sendJson(response, {});
      return;
    }
    if (!known) throw new Refusal(401, 'expected a token');
    if (pathname === '/api/logout') {
      response.setHeader('set-cookie', guard.logOut(request));
      sendJson(response, {});
      return;
    }
    await api.post(pathname, request, response);
    return;
  }
  // The page itself says nothing of the system: whoever has no session sees its form for the token.
  if (sendAsset(request, response, pathname)) return;
  if (await api.getHealth(pathname, response)) return;
  if (!known) throw new Refusal(401, 'expected a token');
  if (method === 'HEAD') {
    send(response, 405, 'text/plain', '');
    return;
  }
  await api.get(pathname, searchParams, response);
}
