import { afterMs } from '../longTimer.js';

/** When the work of a command is to end. */
interface EndSignal {
  readonly signal: AbortSignal;
  /** Signals are not listened to any more. */
  release(): void;
}

/**
 * Ends the work of a command by Ctrl-C, by SIGTERM, after a time, or when nobody reads what it prints, as behind `| head`; whoever
 * asks twice ends the process.
 */
export function endSignal(endMs = Infinity): EndSignal {
  const ended = new AbortController();
  const end = (): void => {
    release();
    ended.abort();
  };
  const timer = afterMs(endMs, end);
  const release = (): void => {
    timer.unsubscribe();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, end);
    process.stdout.off('error', end);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, end);
  process.stdout.on('error', end);
  return { signal: ended.signal, release };
}
