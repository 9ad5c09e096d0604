import { codeOf } from '../errors.js';
import type { ErrorCode } from '../errors.js';

const retryMs = 200;
/** After these no later call can do better. What the stream asks of the broker next fails with the same, and ends it. */
const hopeless: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>(['BROKER_CLOSED', 'BROKER_CORRUPT', 'TOPIC_UNDECLARED']);

/**
 * Calls a broker until it answers: a broker that can't be reached for a while holds settlements up, it does not lose them.
 *
 * Gives up on a broker that was closed, emptied or damaged, and, once `closing` is aborted, at the next failure: messages that
 * are not settled are then the next consumer's, as after a kill.
 */
export async function insist(call: () => Promise<unknown>, closing: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (closing.aborted || hopeless.has(codeOf(error))) return;
      await pause(closing);
    }
  }
}

/** Waits before the next try; ends at once when `closing` is aborted. */
export function pause(closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      closing.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, retryMs);
    closing.addEventListener('abort', done);
  });
}
