import { EdgeFlowError, mapAsync } from 'edgeflow';
import { defer, pipe } from 'rxjs';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkAtLeast, checkSpan } from './checks.js';
import { withIdentity } from './blobs/deliveryIdentity.js';
import { jsonLine } from './log/jsonLine.js';
import { messageKey } from './sinks/messageKey.js';
import { checkPatience, Target } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';
import { post } from './webhook/post.js';
import { outageOf, refused, unsent } from './webhook/answers.js';
import { signatureHeaders } from './webhook/signature.js';

/** Options of {@link toWebhook}. */
export interface ToWebhookOptions<T> extends PatienceOptions {
  /** Where values are posted: `https://…` or `http://…`, without credentials in it. */
  readonly url: string;
  /** Key that the requests are signed with; text, or `whsec_` and the key in base64. @defaultValue not signed */
  readonly secret?: string;
  /** What of a value is sent, as JSON. @defaultValue the value, its bytes summarised as `{ "bytes": n }` */
  readonly body?: (value: T) => unknown;
  /** Further headers, such as `authorization`. @defaultValue none */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long one request may take, in milliseconds. @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** How often a value is sent again after an answer that may be the value's fault (500 and the like). @defaultValue 4 */
  readonly retries?: number;
  /** Requests under way at once. @defaultValue 4 */
  readonly concurrency?: number;
}

/**
 * Posts each value to a web hook as JSON, and passes it on when the hook has taken it.
 *
 * ```
 * in   --a-----b-----------c--|
 *      toWebhook({ url })
 * out  ----a---------b-------c|     b was answered 503 first
 * ```
 *
 * Signed as Standard Webhooks says (https://www.standardwebhooks.com): `webhook-signature` is the HMAC-SHA256 of
 * `id.timestamp.body`. `webhook-id` and `idempotency-key` are made of the message's id: the same when it comes again.
 *
 * - **Emits** each value, in order, when the hook has answered 2xx.
 * - **Settles** when what is downstream is done with the value.
 * - **Waits** while nobody answers, or the answer is 408, 425, 429, 502, 503 or 504, as long as `retry-after` says and with
 *   backoff; says so once, and once when the hook is back.
 * - **Fails** the delivery with `SINK_REFUSED` for 4xx and redirects, and for other 5xx after `retries`; with
 *   `SINK_UNREACHABLE` when `patienceMs` are over; with what `body` throws.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * alarms.pipe(toWebhook({ url: 'https://example.com/hook', secret: process.env.HOOK_SECRET })).subscribe();
 * ```
 */
export function toWebhook<T>(options: ToWebhookOptions<T>): MonoTypeOperatorFunction<T> {
  const { secret, body = (value: T): unknown => value, headers = {}, timeoutMs = 10_000, retries = 4, concurrency = 4 } = options;
  const { patienceMs = Infinity } = options;
  const url = checkUrl(options.url);
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `toWebhook: ${what}`);
  };
  if (secret === '') fail('secret is empty; expected a key, or nothing for requests that are not signed');
  for (const [name, text] of Object.entries(headers))
    if (!isHeader(name, text))
      fail(`the header '${name}' cannot be sent; expected a name of letters, digits and dashes, and a text of one line`);
  checkSpan('toWebhook', 'timeoutMs', timeoutMs);
  checkAtLeast('toWebhook', 'retries', retries, 0);
  checkAtLeast('toWebhook', 'concurrency', concurrency, 1);
  checkPatience('toWebhook', patienceMs);

  return (source) =>
    defer(() => {
      const target = new Target({ operator: 'toWebhook', label: url.origin, patienceMs, code: 'SINK_UNREACHABLE' });
      return source.pipe(
        pipe(
          withIdentity('toWebhook'),
          mapAsync(
            async ({ value, identity }, { signal }) => {
              const id = messageKey(identity);
              const text = jsonLine(body(value)).trimEnd();
              let faults = 0;
              const send = async (): Promise<void> => {
                const signed = signatureHeaders(id, text, secret);
                const answer = await post(url, { ...headers, ...signed }, text, timeoutMs, signal).catch((error: unknown) => {
                  throw signal.aborted ? error : unsent(url, error);
                });
                if (!answer.ok) throw refused(url, answer);
              };
              await target.reach(send, (error) => outageOf(error, () => faults++ < retries), signal);
              return value;
            },
            { concurrency },
          ),
        ),
      );
    });
}

/** What it says is not told: it may be a secret. */
function isHeader(name: string, text: string): boolean {
  try {
    return new Headers([[name, text]]).has(name);
  } catch {
    return false;
  }
}

function checkUrl(text: string): URL {
  // Neither path nor query is shown: with many hooks they are the secret.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new EdgeFlowError('OPTIONS_INVALID', 'toWebhook: url is not one that begins with https:// or http://');
  if (url.username !== '' || url.password !== '')
    throw new EdgeFlowError('OPTIONS_INVALID', `toWebhook: there are credentials in the url of ${url.host}; put them into headers`);
  return url;
}
