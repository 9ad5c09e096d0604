import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { send } from './http.js';

/** The files of the page, by the path that they are asked for. No other file is ever read. */
const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
} as const;

interface Asset {
  readonly type: string;
  readonly tag: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
}

const loaded = new Map<string, Asset>();

function load(path: string): Asset | undefined {
  if (!Object.hasOwn(files, path)) return undefined;
  const known = loaded.get(path);
  if (known) return known;
  const [name, type] = files[path as keyof typeof files];
  const body = readFileSync(new URL(`./page/${name}`, import.meta.url));
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 20)}"`;
  const asset = { type, tag, body, zipped: gzipSync(body, { level: 9 }) };
  loaded.set(path, asset);
  return asset;
}

/** @returns false when there is no such file. */
export function sendAsset(request: IncomingMessage, response: ServerResponse, path: string): boolean {
  const asset = load(path);
  if (!asset) return false;
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('etag', asset.tag);
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === asset.tag) {
    response.writeHead(304).end();
    return true;
  }
  const zip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (zip) response.setHeader('content-encoding', 'gzip');
  send(response, 200, asset.type, zip ? asset.zipped : asset.body);
  return true;
}
