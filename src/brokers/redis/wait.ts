/** Waits for an event, for `ms` at most, or until the signal is aborted. */
export function waitFor(target: EventTarget, event: string, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      target.removeEventListener(event, done);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = ms === Infinity ? undefined : setTimeout(done, ms);
    target.addEventListener(event, done);
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}
