import { onAbort } from '../onAbort.js';

/** Waits for an event, for `ms` at most, or until the signal is aborted. */
export function waitFor(target: EventTarget, event: string, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      target.removeEventListener(event, done);
      forget();
      resolve();
    };
    const timer = ms === Infinity ? undefined : setTimeout(done, ms);
    target.addEventListener(event, done);
    const forget = onAbort(signal, done);
    if (signal?.aborted) done();
  });
}

/** A call that was aborted waits no longer for a server that does not answer. */
const hangMs = 1_000;

/** What some work resolves to; undefined where a signal is aborted and the work not done a second later. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const hurry = (): void => {
      timer = setTimeout(() => {
        resolve(undefined);
      }, hangMs);
    };
    const forget = onAbort(signal, hurry);
    if (signal.aborted) hurry();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      forget();
    });
  });
}

const lastSaid = new Map<string, number>();
const sayAgainMs = 10_000;

/** Says why calls wait, at most every ten seconds a server, however many connections to it find the same. */
export function warnWaiting(server: string, text: string): void {
  const now = performance.now();
  if (now - (lastSaid.get(server) ?? -Infinity) < sayAgainMs) return;
  lastSaid.set(server, now);
  process.emitWarning(text, { code: 'EDGEFLOW_BROKER_WAITS' });
}
