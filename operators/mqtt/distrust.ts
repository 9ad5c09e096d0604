import { isUntrusted } from '../sinks/network.js';

/** Alerts by which a broker refuses the certificate of a client, or that it has none. */
const refusedByBroker = /ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE)$/;

/** What two ends of TLS have against each other, and what to do; undefined for another error. */
export function distrustOf(code: unknown): string | undefined {
  if (typeof code !== 'string') return undefined;
  if (isUntrusted(code)) return `the certificate of the broker is not trusted (${code}); expected the one of its authority as tls.ca`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `the certificate of the broker is for another name (${code}); expected that of the url, or say it by tls.servername`;
  if (refusedByBroker.test(code))
    return `the broker does not take this client's certificate (${code}); expected one that it trusts as tls.cert and tls.key`;
  return undefined;
}
