/**
 * The thread that runs a model. `session.run` blocks its thread's event loop, so that heartbeats, acks and wake-ups of
 * the process would wait for a slow model if it ran among them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { setBusy } from './exitGuard.js';
import { ModelSession } from './modelSession.js';
import type { Answer, Request, WorkerData } from './protocol.js';

const port = parentPort;
if (!port) throw new Error('inferenceWorker is started by the inference pool, as a worker thread');

const { path, inputSize, busy } = workerData as WorkerData;

// The thread is idle before the answer is out: whoever reads it may end the process.
const answer = (message: Answer): void => {
  setBusy(busy, false);
  port.postMessage(message);
};
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function handle(session: ModelSession, request: Request): Promise<void> {
  if (request.type === 'close') {
    setBusy(busy, true);
    await session.close();
    setBusy(busy, false);
    port?.close();
    return;
  }
  try {
    answer({ type: 'found', found: await session.detect(request.picture, request.select) });
  } catch (error) {
    answer({ type: 'failed', message: textOf(error) });
  }
}

try {
  const session = await ModelSession.open(path, inputSize);
  // One after the other: the session must not be released while a run is queued.
  let last = Promise.resolve();
  port.on('message', (request: Request) => {
    last = last.then(() => handle(session, request));
  });
  answer({ type: 'ready', model: session.info });
} catch (error) {
  answer({ type: 'unusable', message: textOf(error) });
}
