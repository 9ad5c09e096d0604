import { EdgeFlowError } from 'edgeflow';
import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import type { OpenedSession, Outcome, Runner, WorkerSettings } from '../inference/protocol.js';
import type { ModelTensor } from '../models/inspectModel.js';
import { invalidModel, openSession, timed } from '../inference/session.js';
import { tensorTypes, typeOf, zeros } from './tensors.js';
import type { TensorValues, Tensors } from './tensors.js';
import type { TensorsKind } from './tensorsKind.js';

/** A loaded model of any kind: tensors in, tensors out. */
export class TensorSession implements Runner<'tensors'> {
  readonly opened: OpenedSession<'tensors'>;
  readonly #session: InferenceSession;
  readonly #outputs: readonly string[];

  private constructor(session: InferenceSession, opened: OpenedSession<'tensors'>, outputs: readonly string[]) {
    this.opened = opened;
    this.#session = session;
    this.#outputs = outputs;
  }

  /**
   * Loads a model and, unless told otherwise, runs it once on zeros; dimensions that the caller chooses are 1 then.
   *
   * @throws EdgeFlowError `OPTIONS_INVALID` for outputs that the model does not have, `MODEL_INVALID` when it cannot be run.
   */
  static async open({ path, providers, options }: WorkerSettings<'tensors'>): Promise<TensorSession> {
    const { session, ...loaded } = await openSession(path, providers);
    const outputs = options.outputs ?? session.outputNames;
    const missing = outputs.find((name) => !session.outputNames.includes(name));
    if (missing !== undefined)
      throw new EdgeFlowError('OPTIONS_INVALID', `outputs names '${missing}'; expected some of ${session.outputNames.join(', ')}`);
    for (const { name, type } of loaded.inputs)
      if (!tensorTypes.includes(type)) throw invalidModel(`the input '${name}' is of ${type}; expected ${tensorTypes.join(', ')}`);
    const warmUpMs = options.warmUp ? await runOnZeros(session, loaded.inputs, outputs) : undefined;
    return new TensorSession(session, { ...loaded, info: {}, warmUpMs }, outputs);
  }

  async run(jobs: readonly TensorsKind['job'][]): Promise<readonly Outcome<Tensors>[]> {
    const outcomes: Outcome<Tensors>[] = [];
    for (const { tensors } of jobs) {
      const feeds = Object.fromEntries(Object.entries(tensors).map(([name, { data, dims }]) => [name, toTensor(data, dims)]));
      const outputs = await this.#session.run(feeds, [...this.#outputs]);
      outcomes.push({ result: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(name, tensor)])) });
    }
    return outcomes;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

async function runOnZeros(session: InferenceSession, inputs: readonly ModelTensor[], outputs: readonly string[]): Promise<number> {
  const feeds = inputs.map(({ name, type, shape }) => {
    const dims = shape.map((side) => (typeof side === 'number' ? side : 1));
    const data =
      zeros(
        type,
        dims.reduce((product, side) => product * side, 1),
      ) ?? new Float32Array();
    return [name, toTensor(data, dims)] as const;
  });
  try {
    return (await timed(() => session.run(Object.fromEntries(feeds), [...outputs]))).ms;
  } catch (cause) {
    const shapes = inputs.map(({ name, shape }) => `'${name}' [${shape.join(', ')}]`).join(', ');
    throw new EdgeFlowError(
      'MODEL_INVALID',
      `it could not be run on zeros for ${shapes}: ${cause instanceof Error ? cause.message : String(cause)}; where it needs other values or sizes, set \`warmUp: false\``,
      { cause },
    );
  }
}

function toTensor(data: TensorValues, dims: readonly number[]): Tensor {
  const type = typeOf(data);
  if (!type) throw new EdgeFlowError('TENSOR_INVALID', `a tensor holds no array of ${tensorTypes.join(', ')}`);
  return new Tensor(type, data, dims);
}

function fromTensor(name: string, { data, dims, type }: Tensor): Tensors[string] {
  const values = data as TensorValues;
  if (typeOf(values) === undefined)
    throw invalidModel(`the output '${name}' is of ${type}; expected ${tensorTypes.join(', ')}: leave it out by \`outputs\``);
  return { data: values, dims };
}
