import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EdgeFlowError } from 'edgeflow';
import type { Frame } from '../frame.js';
import { Viewer } from './viewer.js';

/** Settings of an {@link MjpegServer}. */
export interface MjpegServerSettings {
  readonly port: number;
  readonly host: string;
  readonly maxViewers: number;
}

/** How long viewers may take for what they were sent when the server closes. */
const farewellMs = 1_000;

/** Connections beside those of viewers: for stills and pages. */
const spareConnections = 32;

const page =
  '<!doctype html><meta charset="utf-8"><title>EdgeFlow</title>' +
  '<body style="margin:0;background:#111"><img src="video.mjpg" alt="the stream" style="display:block;margin:auto;max-width:100%">';

/** Shows JPEG frames to whoever asks over HTTP, each viewer at his own pace. */
export class MjpegServer {
  /** Where the stream is; rejects when the address cannot be had. */
  readonly listening: Promise<string>;
  readonly #server: Server;
  readonly #settings: MjpegServerSettings;
  readonly #viewers = new Set<Viewer>();
  #newest: Frame | undefined;

  constructor(settings: MjpegServerSettings) {
    this.#settings = settings;
    // To import it would load it in each node that imports any operator.
    const { createServer } = process.getBuiltinModule('node:http');
    this.#server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000, maxHeaderSize: 8_192 }, (request, response) => {
      this.#answer(request, response);
    });
    this.#server.maxConnections = settings.maxViewers + spareConnections;
    this.listening = this.#listen();
  }

  show(frame: Frame): void {
    this.#newest = frame;
    for (const viewer of this.#viewers) viewer.show(frame);
  }

  /** Frees the port at once, and lets viewers have what was sent to them. Idempotent. */
  close(): void {
    for (const viewer of this.#viewers) viewer.end();
    this.#server.close();
    setTimeout(() => {
      this.#server.closeAllConnections();
    }, farewellMs).unref();
  }

  async #listen(): Promise<string> {
    const { host, port } = this.#settings;
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      throw new EdgeFlowError(
        'OPTIONS_INVALID',
        `serveMjpeg: cannot listen on ${host}:${port} (${cause instanceof Error ? cause.message : String(cause)}); name another port, or 0 for any that is free`,
        { cause },
      );
    }
    const { port: found } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${found}/video.mjpg`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A viewer who leaves in the middle is no news.
    response.on('error', () => undefined);
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cross-origin-resource-policy', 'same-site');
    if (!this.#isMeant(request)) this.#refuse(response, 421, 'this server answers to its own address alone');
    else if (request.method !== 'GET') this.#refuse(response, 405, 'expected GET');
    else this.#route(request, response);
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    switch (request.url) {
      case '/':
        response.setHeader('content-security-policy', "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'");
        response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
        return;
      case '/picture.jpg':
        if (this.#newest) response.setHeader('content-type', 'image/jpeg').end(this.#newest.data);
        else this.#refuse(response.setHeader('retry-after', '1'), 503, 'there is no picture yet');
        return;
      case '/video.mjpg':
        if (this.#viewers.size < this.#settings.maxViewers) this.#welcome(response);
        else this.#refuse(response, 503, `there are ${this.#viewers.size} viewers, and more are not served`);
        return;
      default:
        this.#refuse(response, 404, 'expected /, /video.mjpg or /picture.jpg');
    }
  }

  #welcome(response: ServerResponse): void {
    const viewer = new Viewer(response);
    this.#viewers.add(viewer);
    response.once('close', () => {
      this.#viewers.delete(viewer);
    });
    if (this.#newest) viewer.show(this.#newest);
  }

  /** Whether a request to this machine alone names it: a page elsewhere may have a name that leads here, and would read along. */
  #isMeant({ headers }: IncomingMessage): boolean {
    if (!isLoopback(this.#settings.host)) return true;
    const address = `http://${headers.host ?? ''}`;
    return URL.canParse(address) && isLoopback(new URL(address).hostname.replace(/^\[|\]$/g, ''));
  }

  #refuse(response: ServerResponse, status: number, why: string): void {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${why}\n`);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
