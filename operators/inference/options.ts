import { EdgeFlowError } from 'edgeflow';
import { fileURLToPath } from 'node:url';
import { checkCount } from '../checks.js';
import type { ReadyModel } from './modelOperator.js';
import { checkProviders } from './providers.js';
import type { Provider } from './providers.js';

/** Options that all operators have which run a model. */
export interface ModelOptions {
  /** Threads that run the model, and values worked on at once: one for each processor core to be used. @defaultValue 1 */
  readonly workers?: number;
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
}

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function modelSettings(operator: string, model: string | URL, { workers = 1, providers = ['cpu'] }: ModelOptions): ModelSettings {
  checkCount(operator, 'workers', workers, 64);
  checkProviders(operator, providers);
  return { model: typeof model === 'string' ? model : pathOf(operator, model), workers, providers };
}

function pathOf(operator: string, model: URL): string {
  if (model.protocol !== 'file:')
    throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: model is ${model.href}; expected a path, a file: URL, or the name of a model`);
  return fileURLToPath(model);
}
