const calls = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls when a signal is aborted, unless it is told before not to. For the many who wait with one signal: the signal itself goes
 * through all of its listeners for each that is added.
 *
 * @returns tells it not to.
 */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (!signal) return doNothing;
  const all = calls.get(signal) ?? listen(signal);
  all.add(call);
  return () => void all.delete(call);
}

function listen(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  calls.set(signal, all);
  const callAll = (): void => {
    for (const call of [...all]) call();
  };
  signal.addEventListener('abort', callAll, { once: true });
  return all;
}

function doNothing(): void {
  // There is no signal.
}
