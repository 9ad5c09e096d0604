/**
 * The thread that runs a model. `session.run` blocks its thread's event loop, so that heartbeats, acks and wake-ups of
 * the process would wait for a slow model if it ran among them.
 */
import { hasCode } from 'edgeflow';
import { parentPort, workerData } from 'node:worker_threads';
import { setBusy } from './exitGuard.js';
import { runApart, textOf } from './outcomes.js';
import type { Answer, KindName, Request, Runner, WorkerData, WorkerSettings } from './protocol.js';

const port = parentPort;
if (!port) throw new Error('inferenceWorker is started by the inference pool, as a worker thread');

/** A thread loads the code of its own kind alone. */
const openers: { readonly [K in KindName]: (settings: WorkerSettings<K>) => Promise<Runner<K>> } = {
  detect: async (settings) => (await import('../yolo/detectorSession.js')).DetectorSession.open(settings),
  classify: async (settings) => (await import('../classify/classifierSession.js')).ClassifierSession.open(settings),
  tensors: async (settings) => (await import('../infer/tensorSession.js')).TensorSession.open(settings),
};

async function serve<K extends KindName>(settings: WorkerData<K>): Promise<void> {
  const { busy } = settings;
  // The thread is idle before the answer is out: whoever reads it may end the process.
  const answer = (message: Answer<K>): void => {
    setBusy(busy, false);
    port?.postMessage(message);
  };
  const handle = async (runner: Runner<K>, request: Request<K>): Promise<void> => {
    if (request.type === 'close') {
      setBusy(busy, true);
      await runner.close();
      setBusy(busy, false);
      port?.close();
      return;
    }
    answer({ type: 'done', outcomes: await runApart(request.jobs, (jobs) => runner.run(jobs)) });
  };
  try {
    const runner = await openers[settings.kind](settings);
    // One after the other: the session must not be released while a run is queued.
    let last = Promise.resolve();
    port?.on('message', (request: Request<K>) => {
      last = last.then(() => handle(runner, request));
    });
    answer({ type: 'ready', opened: runner.opened });
  } catch (error) {
    answer({ type: 'unusable', code: hasCode(error, 'OPTIONS_INVALID') ? 'OPTIONS_INVALID' : 'MODEL_INVALID', message: textOf(error) });
  }
}

await serve(workerData as WorkerData<KindName>);
