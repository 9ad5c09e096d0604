/** Those who wait with one signal, and the listener that calls them. */
interface Waiting {
  readonly calls: Set<() => void>;
  readonly callAll: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls when a signal is aborted, unless it is told before not to. For the many who wait with one signal: the signal itself goes
 * through all of its listeners for each that is added.
 *
 * @returns tells it not to.
 */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (!signal) return doNothing;
  const { calls, callAll } = waiting.get(signal) ?? listen(signal);
  calls.add(call);
  return () => {
    calls.delete(call);
    if (calls.size > 0 || waiting.get(signal)?.calls !== calls) return;
    // A signal that was made of others is kept as long as somebody listens to it.
    waiting.delete(signal);
    signal.removeEventListener('abort', callAll);
  };
}

function listen(signal: AbortSignal): Waiting {
  const calls = new Set<() => void>();
  const callAll = (): void => {
    for (const call of [...calls]) call();
  };
  signal.addEventListener('abort', callAll);
  const all = { calls, callAll };
  waiting.set(signal, all);
  return all;
}

function doNothing(): void {
  // There is no signal.
}
