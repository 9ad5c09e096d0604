/** When the work of a command is to end. */
interface EndSignal {
  readonly signal: AbortSignal;
  end(): void;
  /** Signals are not listened to any more. */
  release(): void;
}

/** Ends the work of a command by Ctrl-C, by SIGTERM, or after a time; whoever asks twice ends the process. */
export function endSignal(afterMs?: number): EndSignal {
  const ended = new AbortController();
  const end = (): void => {
    release();
    ended.abort();
  };
  const timer = afterMs === undefined ? undefined : setTimeout(end, afterMs);
  const release = (): void => {
    clearTimeout(timer);
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, end);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, end);
  return { signal: ended.signal, end, release };
}
