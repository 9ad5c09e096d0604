import { systemCode } from '../blobs/files.js';

const networkCodes: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
]);

/** Codes of a certificate that its reader does not trust; one that has run out is renewed by somebody. */
const untrustedCodes: ReadonlySet<string> = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_SIGNATURE_FAILURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED', 'INVALID_CA'],
]);

export function isUntrusted(code: string): boolean {
  return untrustedCodes.has(code);
}

/** Why a request got no answer: the code of an error or of one of its causes, such as `ECONNREFUSED`; undefined for others. */
export function networkReason(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at.name === 'TimeoutError') return 'no answer in time';
    const code = systemCode(at) ?? (at instanceof AggregateError ? systemCode(at.errors[0]) : undefined);
    if (code === undefined) continue;
    // It may be that of a hotspot's page on the way, which is gone when somebody has logged in.
    if (isUntrusted(code))
      return `its certificate is not trusted (${code}); where it is its own, name a file with that of its authority by NODE_EXTRA_CA_CERTS`;
    // A certificate that has run out is mended by somebody, as a cable is.
    if (networkCodes.has(code) || /^UND_ERR_|CERT|_SSL_|_TLS_/.test(code)) return code;
  }
  return undefined;
}
