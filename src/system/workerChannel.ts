import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './protocol.js';

/** Tells the supervisor; resolves when the message is on its way. */
export function tell(message: FromWorker): Promise<void> {
  if (parentPort) {
    parentPort.postMessage(message);
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    if (process.connected)
      process.send?.(message, () => {
        resolve();
      });
    else resolve();
  });
}

/**
 * Hears the supervisor.
 *
 * @param onGone - called when it is gone; a thread goes with it.
 */
export function listen(onMessage: (message: ToWorker) => void, onGone: () => void): void {
  if (parentPort) parentPort.on('message', onMessage);
  else process.on('message', onMessage).on('disconnect', onGone);
}
