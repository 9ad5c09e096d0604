import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopback, nameOfHost } from '../loopback.js';
import { Refusal } from './http.js';
import type { CheckedOptions } from './options.js';
import { RateLimit, subnetOf } from './rateLimit.js';

const sessionMs = 12 * 60 * 60_000;
const maxSessions = 256;
/** Wrong tokens of one address a minute. */
const maxFailures = 10;
/** Requests of one address in ten seconds that no token vouches for. */
const maxStrangerRequests = 120;

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Decides who may ask, before anything is looked at: the right name of this host (a page of a stranger whose name was
 * pointed here has another), no other page's script, and, where there is a token, a session or the token itself.
 */
export class Guard {
  readonly #loopback: boolean;
  readonly #secure: boolean;
  readonly #names: ReadonlySet<string>;
  readonly #tokenHash: Buffer | undefined;
  /** Hashes of session keys, and when each ends. */
  readonly #sessions = new Map<string, number>();
  readonly #failures = new RateLimit(maxFailures, 60_000);
  readonly #strangers = new RateLimit(maxStrangerRequests, 10_000);
  readonly #cookie: () => string;

  /** @param port - the port that was bound, known later than this is made. */
  constructor({ host, token, tls }: CheckedOptions, port: () => number) {
    this.#loopback = isLoopback(host);
    this.#secure = tls !== undefined;
    this.#names = new Set(['localhost', host.toLowerCase(), ...(this.#loopback ? [] : ownNames())]);
    this.#tokenHash = token === undefined ? undefined : hash(token);
    // Cookies know no ports: two dashboards of one host must not log each other out. With the prefix, no other host of the
    // domain can set it.
    this.#cookie = () => `${this.#secure ? '__Host-' : ''}edgeflow-${port()}`;
  }

  /**
   * Host and Origin.
   *
   * @throws Refusal 421, 403
   */
  checkSource(request: IncomingMessage): void {
    const { host = '', origin } = request.headers;
    if (!this.#isOwn(host)) throw new Refusal(421, 'this name is not known here; use the address that the dashboard printed');
    if (origin !== undefined && origin !== this.#originOf(host)) throw new Refusal(403, 'requests from other pages are not answered');
    const site = request.headers['sec-fetch-site'];
    // A link that a user follows leads to the page itself, and to nothing else.
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && request.headers['sec-fetch-mode'] !== 'navigate')
      throw new Refusal(403, 'requests from other pages are not answered');
  }

  /**
   * Writes come from the page's own script alone: a form of another page can set neither header.
   *
   * @throws Refusal 403
   */
  checkWrite(request: IncomingMessage): void {
    if (request.headers.origin !== this.#originOf(request.headers.host ?? '') || request.headers['x-edgeflow'] !== '1')
      throw new Refusal(403, 'expected the headers Origin and X-EdgeFlow: 1');
  }

  /** Whether the request carries a session or the token; counts against its address where it does not. */
  knows(request: IncomingMessage): boolean {
    if (!this.#tokenHash) return true;
    const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined && this.#isToken(bearer, addressOf(request))) return true;
    const key = cookiesOf(request).get(this.#cookie());
    const ends = key === undefined ? undefined : this.#sessions.get(hash(key).toString('base64'));
    if (ends !== undefined && ends > Date.now()) return true;
    if (!this.#strangers.take(addressOf(request))) throw new Refusal(429, 'too many requests', 10);
    return false;
  }

  /**
   * Opens a session.
   *
   * @returns the cookie to set.
   * @throws Refusal 401, 429
   */
  logIn(request: IncomingMessage, token: string): string {
    if (!this.#isToken(token, addressOf(request))) throw new Refusal(401, 'this is not the token');
    const now = Date.now();
    for (const [key, ends] of this.#sessions) if (ends <= now || this.#sessions.size >= maxSessions) this.#sessions.delete(key);
    const key = randomBytes(32).toString('base64url');
    this.#sessions.set(hash(key).toString('base64'), now + sessionMs);
    return `${this.#cookie()}=${key}; HttpOnly; SameSite=Strict; ${this.#secure ? 'Secure; ' : ''}Path=/; Max-Age=${sessionMs / 1_000}`;
  }

  /** Ends a session. */
  logOut(request: IncomingMessage): string {
    const key = cookiesOf(request).get(this.#cookie());
    if (key !== undefined) this.#sessions.delete(hash(key).toString('base64'));
    return `${this.#cookie()}=; HttpOnly; SameSite=Strict; ${this.#secure ? 'Secure; ' : ''}Path=/; Max-Age=0`;
  }

  /** Compares hashes, so that neither the length nor the time says how much was right. */
  #isToken(text: string, address: string): boolean {
    if (!this.#tokenHash) return true;
    if (this.#failures.isSpent(address)) throw new Refusal(429, 'too many wrong tokens; wait a minute', 60);
    if (timingSafeEqual(hash(text), this.#tokenHash)) return true;
    this.#failures.take(address);
    return false;
  }

  #originOf(host: string): string {
    return `${this.#secure ? 'https' : 'http'}://${host}`;
  }

  #isOwn(host: string): boolean {
    const name = nameOfHost(host);
    if (this.#names.has(name)) return true;
    // A name can be pointed anywhere by whoever owns it; an address cannot.
    return this.#loopback ? isLoopback(name) : isIP(name) > 0;
  }
}

function ownNames(): string[] {
  const name = hostname().toLowerCase();
  return [name, `${name}.local`];
}

function addressOf(request: IncomingMessage): string {
  return subnetOf(request.socket.remoteAddress ?? '');
}

function cookiesOf(request: IncomingMessage): ReadonlyMap<string, string> {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
  return new Map(pairs);
}
