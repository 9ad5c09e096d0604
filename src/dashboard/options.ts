import { randomBytes } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { checkOptions, portCheck } from '../checkOptions.js';
import { EdgeFlowError, errorMessage } from '../errors.js';
import { isLoopback } from '../loopback.js';

/** What a dashboard proves to browsers who it is with, each in PEM form. */
export interface DashboardTls {
  readonly key: string | Uint8Array;
  /** With the chain behind it, where there is one. */
  readonly cert: string | Uint8Array;
}

/** Options of {@link serveDashboard}. */
export interface DashboardOptions {
  /** 0 takes any free port. @defaultValue 8000 */
  readonly port?: number;
  /** Address to listen on. Off loopback a token is asked for. @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** Whether the page may act on the system: pause, resume, restart and drain nodes, re-drive and drop dead letters. @defaultValue false */
  readonly control?: boolean;
  /**
   * What a browser must know to be let in, of 16 characters at least. An empty text asks for none, on loopback alone.
   * @defaultValue none on loopback; elsewhere one that is made and shown in `url` of the dashboard
   */
  readonly token?: string | undefined;
  /** Serves HTTPS. Without it a token crosses the network in the clear. @defaultValue none: plain HTTP */
  readonly tls?: DashboardTls | undefined;
}

/** Options with all defaults filled in. */
export interface CheckedOptions {
  readonly port: number;
  readonly host: string;
  readonly control: boolean;
  /** Undefined: nothing is asked for. */
  readonly token: string | undefined;
  /** Whether the token was made here, and has to be told to somebody. */
  readonly generated: boolean;
  readonly tls: DashboardTls | undefined;
}

const leastTokenLength = 16;
const mostTokenLength = 512;

function invalid(message: string, cause?: unknown): EdgeFlowError {
  return new EdgeFlowError('OPTIONS_INVALID', `serveDashboard: ${message}`, { cause });
}

export function checkDashboardOptions({ port = 8000, host = '127.0.0.1', control = false, token, tls }: DashboardOptions): CheckedOptions {
  checkOptions('serveDashboard', [portCheck(port)]);
  if (host === '' || /[\s/@]/.test(host))
    throw invalid(`host is '${host}'; expected a name or an address to listen on, such as 127.0.0.1 or 0.0.0.0`);
  if (typeof control !== 'boolean') throw invalid(`control is ${String(control)}; expected true or false`);
  if (tls !== undefined) checkTls(tls);
  // The token itself never goes into a message.
  if (token !== undefined && token !== '' && (token.length < leastTokenLength || token.length > mostTokenLength))
    throw invalid(`the token has ${token.length} characters; expected ${leastTokenLength} to ${mostTokenLength}`);
  if (isLoopback(host)) return { port, host, control, token: token === '' ? undefined : token, generated: false, tls };
  if (token === '') throw invalid(`'${host}' is reached from other hosts; give a token, or leave it out and one is made`);
  return { port, host, control, token: token ?? randomBytes(24).toString('base64url'), generated: token === undefined, tls };
}

/** A key that is another certificate's is found out here, and not by the first browser. */
function checkTls({ key, cert }: DashboardTls): void {
  const pem = (value: string | Uint8Array): string | Buffer => (typeof value === 'string' ? value : Buffer.from(value));
  try {
    createSecureContext({ key: pem(key), cert: pem(cert) });
  } catch (cause) {
    throw invalid(`the key and certificate of tls cannot be used (${errorMessage(cause)}); expected a pair in PEM form`, cause);
  }
}
