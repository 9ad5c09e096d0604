import { createHmac } from 'node:crypto';

const encodedPrefix = 'whsec_';

/** Headers that name a message and, with a secret, sign it with the time (Standard Webhooks 1.0.0). */
export function signatureHeaders(id: string, body: string, secret: string | undefined): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const named = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'idempotency-key': id };
  if (secret === undefined) return named;
  const key = secret.startsWith(encodedPrefix) ? Buffer.from(secret.slice(encodedPrefix.length), 'base64') : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...named, 'webhook-signature': `v1,${signature}` };
}
