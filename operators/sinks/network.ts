import { systemCode } from '../blobs/files.js';

const networkCodes: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
]);

/** Why a request got no answer: the code of an error or of one of its causes, such as `ECONNREFUSED`; undefined for others. */
export function networkReason(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at.name === 'TimeoutError') return 'no answer in time';
    const code = systemCode(at) ?? (at instanceof AggregateError ? systemCode(at.errors[0]) : undefined);
    // A certificate that has run out is mended by somebody, as a cable is.
    if (code !== undefined && (networkCodes.has(code) || /^UND_ERR_|CERT|_SSL_|_TLS_/.test(code))) return code;
  }
  return undefined;
}
