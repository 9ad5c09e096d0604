import { EdgeFlowError } from 'edgeflow';
import type { ModelTensor } from '../models/modelTensors.js';
import { invalidModel } from './session.js';

/** An output of a model, as a run gave it. */
export interface OutputShape {
  readonly name: string;
  readonly dims: readonly number[];
}

/**
 * Makes sure that an input takes a run of several, one behind the other along its first side.
 *
 * @param maxBatch - most in a run.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkBatchInput({ name, shape }: ModelTensor, maxBatch: number): void {
  const [batch] = shape;
  if (maxBatch === 1 || typeof batch === 'string') return;
  const takes = batch === undefined ? 'has no first side for a run of several' : `takes ${batch === 1 ? 'one' : batch} a run`;
  throw new EdgeFlowError(
    'OPTIONS_INVALID',
    `its input '${name}' is [${shape.join(', ')}] and ${takes}, but batch.max is ${maxBatch}; ` +
      'leave `batch` out, or export the model with a dynamic batch dimension',
  );
}

/**
 * The outputs that a run of several gives one behind the other, with their shapes for one.
 *
 * @param count - how many the run was of.
 * @throws EdgeFlowError `MODEL_INVALID` when there is none: shapes within the model were fixed when it was exported for one.
 */
export function shapesOfOne<T extends OutputShape>(outputs: readonly T[], count: number): readonly T[] {
  if (count === 1) return outputs;
  const fitting = outputs.filter(({ dims }) => dims[0] === count);
  if (fitting.length > 0) return fitting.map((output) => ({ ...output, dims: [1, ...output.dims.slice(1)] }));
  throw invalidModel(mixed(outputs, count));
}

/** What is wrong with outputs that do not have one part for each of a run. */
export function mixed(outputs: readonly OutputShape[], count: number): string {
  const found = outputs.map(({ name, dims }) => `'${name}' [${dims.join(', ')}]`).join(', ');
  return `a run of ${count} gives ${found}; expected ${count} as the first number: export the model with a dynamic batch dimension, or leave \`batch\` out`;
}
