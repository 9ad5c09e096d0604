import { EdgeFlowError } from 'edgeflow';
import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import type { OpenedSession, Outcome, Runner, WorkerSettings } from '../inference/protocol.js';
import type { ModelTensor } from '../models/modelTensors.js';
import { checkBatchInput, mixed } from '../inference/batchShapes.js';
import { invalidModel, openSession, timed } from '../inference/session.js';
import { alike, stack, unstack } from './stack.js';
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
   * Loads a model and, unless told otherwise, runs it once on zeros, as full as it will be; other dimensions that the caller
   * chooses are 1 then.
   *
   * @throws EdgeFlowError `OPTIONS_INVALID` for outputs that the model does not have, and for a batch that it cannot take;
   * `MODEL_INVALID` when it cannot be run.
   */
  static async open({ path, providers, maxBatch, options }: WorkerSettings<'tensors'>): Promise<TensorSession> {
    const { session, ...loaded } = await openSession(path, providers);
    const outputs = options.outputs ?? session.outputNames;
    const missing = outputs.find((name) => !session.outputNames.includes(name));
    if (missing !== undefined)
      throw new EdgeFlowError('OPTIONS_INVALID', `outputs names '${missing}'; expected some of ${session.outputNames.join(', ')}`);
    for (const input of loaded.inputs) {
      const { name, type } = input;
      if (!tensorTypes.includes(type)) throw invalidModel(`the input '${name}' is of ${type}; expected ${tensorTypes.join(', ')}`);
      checkBatchInput(input, maxBatch);
    }
    const warmUpMs = options.warmUp ? await runOnZeros(session, loaded.inputs, outputs, maxBatch) : undefined;
    return new TensorSession(session, { ...loaded, info: {}, warmUpMs }, outputs);
  }

  async run(jobs: readonly TensorsKind['job'][]): Promise<readonly Outcome<Tensors>[]> {
    const given = jobs.map(({ tensors }) => tensors);
    const outcomes: Outcome<Tensors>[] = [];
    for (const group of alike(given)) {
      const some = group.map((index) => given[index] ?? {});
      const [only] = some;
      const results =
        some.length === 1 && only ? [{ result: await this.#runOn(only) }] : unstack(await this.#runOn(stack(some)), some.length);
      for (const [i, index] of group.entries()) outcomes[index] = results[i] ?? { failed: 'it gave no answer' };
    }
    return outcomes;
  }

  async #runOn(tensors: Tensors): Promise<Tensors> {
    const feeds = Object.fromEntries(Object.entries(tensors).map(([name, { data, dims }]) => [name, toTensor(data, dims)]));
    const outputs = await this.#session.run(feeds, [...this.#outputs]);
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(name, tensor)]));
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

async function runOnZeros(
  session: InferenceSession,
  inputs: readonly ModelTensor[],
  outputs: readonly string[],
  count: number,
): Promise<number> {
  const feeds = inputs.map(({ name, type, shape }) => {
    const dims = shape.map((side, i) => (typeof side === 'number' ? side : i === 0 ? count : 1));
    const data =
      zeros(
        type,
        dims.reduce((product, side) => product * side, 1),
      ) ?? new Float32Array();
    return [name, toTensor(data, dims)] as const;
  });
  const run = timed(() => session.run(Object.fromEntries(feeds), [...outputs]));
  const { result, ms } = await run.catch((cause: unknown) => {
    const shapes = inputs.map(({ name, shape }) => `'${name}' [${shape.join(', ')}]`).join(', ');
    throw new EdgeFlowError(
      'MODEL_INVALID',
      `it could not be run on zeros for ${shapes}: ${cause instanceof Error ? cause.message : String(cause)}; where it needs other values or sizes, set \`warmUp: false\``,
      { cause },
    );
  });
  const shapes = Object.entries(result).map(([name, { dims }]) => ({ name, dims }));
  if (count > 1 && !shapes.every(({ dims }) => dims[0] === count)) throw invalidModel(mixed(shapes, count));
  return ms;
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
