import { EdgeFlowError } from 'edgeflow';
import { InferenceSession } from 'onnxruntime-node';
import { performance } from 'node:perf_hooks';
import { tensorsOf } from '../models/modelTensors.js';
import { textOf } from './outcomes.js';
import type { KindName, OpenedSession } from './protocol.js';
import type { Provider } from './providers.js';

/**
 * One thread a session: the pool makes use of further cores, and threads beyond the cores double the time. What goes wrong is
 * thrown, and need not be written to the process's error output by the runtime as well.
 */
const sessionOptions: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 };

/** A session, and what all kinds tell of it. */
export interface LoadedSession extends Omit<OpenedSession<KindName>, 'info' | 'warmUpMs'> {
  readonly session: InferenceSession;
}

/**
 * Loads a model on the first of the providers that can be used here.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` when none can, though the model is fine. Whatever else is thrown: it is no model.
 */
export async function openSession(path: string, providers: readonly Provider[]): Promise<LoadedSession> {
  const refused: { readonly provider: Provider; readonly reason: string }[] = [];
  for (const provider of providers) {
    const start = performance.now();
    try {
      const session = await InferenceSession.create(path, { ...sessionOptions, executionProviders: [provider] });
      const loadMs = performance.now() - start;
      return { session, provider, refused, loadMs, inputs: tensorsOf(session.inputMetadata), outputs: tensorsOf(session.outputMetadata) };
    } catch (error) {
      // The processor runs every model: what it refuses is none.
      if (provider === 'cpu') throw error;
      refused.push({ provider, reason: textOf(error) });
    }
  }
  const sound = await InferenceSession.create(path, sessionOptions);
  await sound.release();
  throw new EdgeFlowError(
    'OPTIONS_INVALID',
    `no provider of ${providers.join(', ')} can be used here: ${refused.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ')}. ` +
      "Install what it needs, or name 'cpu' behind it to fall back to the processor",
  );
}

/** Times a run. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}

/** The error for a model that is none of those wanted. */
export function invalidModel(message: string): EdgeFlowError {
  return new EdgeFlowError('MODEL_INVALID', message);
}
