import { EdgeFlowError } from 'edgeflow';
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tensorsOf } from './modelTensors.js';
import type { ModelTensor } from './modelTensors.js';
import { resolveModel } from './resolveModel.js';

/** What a model file says of itself. */
export interface InspectedModel {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}

/**
 * Opens a model in this process and tells its inputs and outputs.
 *
 * @param model - a path, or a name as {@link DetectYoloOptions.model} takes it.
 * @throws EdgeFlowError `MODEL_MISSING`, `MODEL_DOWNLOAD`, `MODEL_INVALID`
 * @example
 * ```ts
 * const { inputs, outputs } = await inspectModel('models/mobilenet.onnx');
 * console.log(inputs, outputs);
 * ```
 */
export async function inspectModel(model: string): Promise<InspectedModel> {
  const { name, path } = await resolveModel(model);
  const [bytes, { InferenceSession }] = await Promise.all([readFile(path), import('onnxruntime-node')]);
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 }).catch((cause: unknown) => {
    throw new EdgeFlowError('MODEL_INVALID', `${path} is not a model that onnxruntime can read; expected an ONNX file`, { cause });
  });
  const told = { inputs: tensorsOf(session.inputMetadata), outputs: tensorsOf(session.outputMetadata) };
  await session.release();
  return { name, path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), ...told };
}
