import type { IncomingMessage, ServerResponse } from 'node:http';

/** A refusal, as an HTTP status and a line for people. */
export class Refusal extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Nothing inline, nothing from elsewhere, in no frame of another page. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;

export function addSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
}

export function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...(response.hasHeader('cache-control') ? {} : { 'cache-control': 'no-store' }),
  });
  response.end(body);
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/**
 * Reads a JSON object, and no more than `maxBytes` of it.
 *
 * @throws Refusal 413, 415, 400
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<Readonly<Record<string, unknown>>> {
  if (request.headers['content-type']?.split(';')[0]?.trim() !== 'application/json') throw new Refusal(415, 'expected application/json');
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new Refusal(413, `expected at most ${maxBytes} bytes`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw new Refusal(413, `expected at most ${maxBytes} bytes`);
    parts.push(part);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(400, 'expected a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

/** A text of the query or of a body, within a bound. */
export function textOf(value: unknown, name: string, maxLength = 512): string {
  if (typeof value !== 'string' || value === '' || value.length > maxLength)
    throw new Refusal(400, `'${name}': expected a text of 1 to ${maxLength} characters`);
  return value;
}

/** A whole number of the query or of a body. */
export function countOf(value: unknown, name: string): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw new Refusal(400, `'${name}': expected a whole number from 0`);
  return number;
}
