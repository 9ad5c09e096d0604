import { EdgeFlowError } from 'edgeflow';
import { fileURLToPath } from 'node:url';
import { checkCount, checkNeeded, checkRange } from '../checks.js';
import type { BatchBudget } from './jobQueue.js';
import type { ReadyModel } from './modelOperator.js';
import { checkProviders } from './providers.js';
import type { Provider } from './providers.js';

/** How values share runs of a model. */
export interface ModelBatchOptions {
  /** Most values in one run, from 1 to 64. */
  readonly max: number;
  /** Longest wait of a value for others, in milliseconds; 0 takes what is there. @defaultValue 0 */
  readonly waitMs?: number;
}

/** Options that all operators have which run a model. */
export interface ModelOptions {
  /** Threads that run the model, and runs at once: one for each processor core to be used. @defaultValue 1 */
  readonly workers?: number;
  /**
   * Values that wait, of this stream and of others with the same model and options of running it, go through one run of the
   * model. For a model with a dynamic batch dimension. @defaultValue each value by itself
   */
  readonly batch?: ModelBatchOptions;
  /**
   * What is to run the model, in the order of choice; one that cannot be used here is passed over, which is told. What
   * there is depends on the machine: `cuda`, `tensorrt`, `webgpu`, `coreml`, `dml`, `qnn`. @defaultValue ['cpu']
   */
  readonly providers?: readonly Provider[];
  /**
   * Told once the model is loaded and has run on an empty input. @defaultValue a provider that was passed over goes to
   * `process.emitWarning`
   */
  readonly onReady?: (model: ReadyModel) => void;
}

/** Checked {@link ModelOptions}. */
export interface ModelSettings {
  readonly model: string;
  readonly workers: number;
  readonly providers: readonly Provider[];
  readonly batch: BatchBudget;
}

const modelForms = 'a path, a file: URL, or the name of a model';

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function modelSettings(operator: string, model: string | URL, options: ModelOptions): ModelSettings {
  checkNeeded(operator, 'model', model, typeof model === 'string' || model instanceof URL, modelForms);
  const { workers = 1, providers = ['cpu'] } = options;
  const { max = 1, waitMs = 0 } = options.batch ?? {};
  checkCount(operator, 'workers', workers, 64);
  checkCount(operator, 'batch.max', max, 64);
  checkRange(operator, 'batch.waitMs', waitMs, 0, 60_000);
  checkProviders(operator, providers);
  return { model: typeof model === 'string' ? model : pathOf(operator, model), workers, providers, batch: { max, waitMs } };
}

function pathOf(operator: string, model: URL): string {
  if (model.protocol !== 'file:') throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: model is ${model.href}; expected ${modelForms}`);
  return fileURLToPath(model);
}
