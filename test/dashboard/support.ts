import { request } from 'node:http';
import { request as requestSafely } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whose certificates are believed. */
  readonly ca?: string;
  /** The address to ask from. */
  readonly localAddress?: string;
}

/** Asks as no browser would let a page ask: with any header. */
export function ask(address: string, path: string, { method = 'GET', headers = {}, body, ...rest }: Ask = {}): Promise<Answer> {
  const { hostname, port, protocol } = new URL(address);
  return new Promise((resolve, reject) => {
    const options = { host: hostname.replace(/^\[|\]$/g, ''), port, path, method, headers, agent: false, ...rest };
    const asked = (protocol === 'https:' ? requestSafely : request)(options, (response) => {
      text(response).then((read) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read }), reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Sends bytes, and gives what came back until the server closed. */
export function raw(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  // A server that has heard enough may reset.
  socket.on('error', () => undefined);
  socket.end(bytes);
  return new Promise((resolve) => {
    let read = '';
    socket.on('data', (data) => (read += data.toString('latin1')));
    socket.on('close', () => resolve(read));
  });
}

/** A write, as the page sends it. */
export function write(
  address: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  more: Pick<Ask, 'ca'> = {},
): Promise<Answer> {
  return ask(address, path, {
    ...more,
    method: 'POST',
    headers: { origin: new URL(address).origin, 'content-type': 'application/json', 'x-edgeflow': '1', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
