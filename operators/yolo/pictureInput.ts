import { checkBatchInput } from '../inference/batchShapes.js';
import type { ModelTensor } from '../models/modelTensors.js';
import { invalidModel } from '../inference/session.js';
import type { Size } from './letterboxGeometry.js';

const expected = "expected one float32 picture [1, 3, height, width]: export the model as a plain detector with 'NCHW' input";

/**
 * The size of the picture that a model sees. A dimension without a number is one that the caller chooses.
 *
 * @param fallback - for those.
 * @param maxBatch - most pictures in a run.
 * @throws EdgeFlowError `MODEL_INVALID` for another input than one picture, `OPTIONS_INVALID` for a batch that the model
 * cannot take.
 */
export function pictureInput(inputs: readonly ModelTensor[], fallback: Size, maxBatch: number): Size {
  const [image, ...others] = inputs;
  if (!image || others.length > 0) throw invalidModel(`the model has ${inputs.length} inputs; ${expected}`);
  const { name, type, shape } = image;
  if (type !== 'float32') throw invalidModel(`the input '${name}' is ${type}; ${expected}`);
  const [batch, channels, height, width] = shape;
  const fits = (found: number | string | undefined, wanted: number): boolean => typeof found === 'string' || found === wanted;
  if (shape.length !== 4 || !fits(batch, 1) || !fits(channels, 3))
    throw invalidModel(`the input '${name}' is [${shape.join(', ')}]; ${expected}`);
  checkBatchInput(image, maxBatch);
  return {
    width: typeof width === 'number' ? width : fallback.width,
    height: typeof height === 'number' ? height : fallback.height,
  };
}
