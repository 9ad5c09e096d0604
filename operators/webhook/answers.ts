import { EdgeFlowError } from 'edgeflow';
import { networkReason } from '../sinks/network.js';
import type { Outage } from '../sinks/target.js';
import type { HookAnswer } from './post.js';

/** Answers that say nothing about the message: too early, too much, or a server that is not ready. */
const busy: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

class Refusal extends EdgeFlowError {
  readonly answer: HookAnswer;

  constructor(message: string, answer: HookAnswer) {
    super('SINK_REFUSED', message);
    this.answer = answer;
  }
}

/** The error for an answer other than 2xx. Names the host alone: paths of hooks are secrets. */
export function refused(url: URL, answer: HookAnswer): EdgeFlowError {
  const { status } = answer;
  const mend =
    status >= 300 && status < 400
      ? 'redirects are not followed; name the address that it redirects to'
      : status === 401 || status === 403
        ? 'look at the secret and the headers'
        : status === 404 || status === 410
          ? 'there is no such hook (any more); look at the url'
          : status < 500
            ? 'the hook does not take this message; look at body'
            : 'the hook failed on this message';
  return new Refusal(`toWebhook: ${url.origin} answered ${status}: ${mend}`, answer);
}

/** The error for a request that got no answer. One that says that the network is down stays as it is. */
export function unsent(url: URL, error: unknown): unknown {
  if (networkReason(error) !== undefined) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EdgeFlowError('SINK_REFUSED', `toWebhook: ${url.origin} could not be asked: ${reason}`, { cause: error });
}

/** @param mayRetry - asked after an answer that may be the message's fault; counts. */
export function outageOf(error: unknown, mayRetry: () => boolean): Outage | undefined {
  if (!(error instanceof Refusal)) {
    const reason = networkReason(error);
    return reason === undefined ? undefined : { reason };
  }
  const { status, retryAfterMs } = error.answer;
  if (busy.has(status) || (status >= 500 && mayRetry())) return { reason: `it answered ${status}`, retryAfterMs };
  return undefined;
}
