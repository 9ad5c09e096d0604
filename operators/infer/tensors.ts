import { closest, EdgeFlowError } from 'edgeflow';
import type { ModelTensor } from '../models/modelTensors.js';

/** Numbers of a tensor: float32, uint8, int64, int32, float64, int8. */
export type TensorValues = Float32Array | Uint8Array | BigInt64Array | Int32Array | Float64Array | Int8Array;

/** A block of numbers, row-major. The array's class says their type. */
export interface TensorData {
  readonly data: TensorValues;
  /** Such as `[1, 3, 224, 224]`. */
  readonly dims: readonly number[];
}

/** Tensors by the name of the model's input or output. */
export type Tensors = Readonly<Record<string, TensorData>>;

const typeNames = [
  [Float32Array, 'float32'],
  [Uint8Array, 'uint8'],
  [BigInt64Array, 'int64'],
  [Int32Array, 'int32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
] as const;

/** The types that tensors may have. */
export const tensorTypes: readonly string[] = typeNames.map(([, name]) => name);

/** The type of an array's numbers; undefined for what is no array of a known type. */
export function typeOf(data: unknown): (typeof typeNames)[number][1] | undefined {
  return typeNames.find(([type]) => data instanceof type)?.[1];
}

/** An array of zeros; undefined for a type that tensors here do not have. */
export function zeros(type: string, length: number): TensorValues | undefined {
  const known = typeNames.find(([, name]) => name === type);
  return known && new known[0](length);
}

/** What is sent to a thread: the tensors, and the memory of theirs that is handed over. */
export interface PackedTensors {
  readonly tensors: Tensors;
  readonly transfer: readonly ArrayBuffer[];
}

/**
 * Makes tensors fit to be sent: an array that is a part of a larger block, as a frame may be of a whole memory map, would
 * take all of it along; it is copied out, and so is shared memory, which somebody may write to.
 *
 * @param handOver - whether arrays that are alone in their memory are handed over instead of being copied on the way.
 */
export function packTensors(given: Tensors, handOver: boolean): PackedTensors {
  const transfer = new Set<ArrayBuffer>();
  const tensors = Object.entries(given).map(([name, { data, dims }]) => {
    const { buffer } = data;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === data.byteLength) {
      if (handOver) transfer.add(buffer);
      return [name, { data, dims }] as const;
    }
    const { buffer: own } = new Uint8Array(new Uint8Array(buffer, data.byteOffset, data.byteLength));
    transfer.add(own);
    return [name, { data: viewOf(data, own), dims }] as const;
  });
  return { tensors: Object.fromEntries(tensors), transfer: [...transfer] };
}

/** Memory as an array of the same class. */
export function viewOf(like: TensorValues, buffer: ArrayBuffer): TensorValues {
  const [View] = typeNames.find(([type]) => like instanceof type) ?? [Uint8Array];
  return new View(buffer);
}

/** Whether `prepare` gave the tensor of the model's only input without its name. */
function isTensor(value: TensorData | Tensors): value is TensorData {
  return Array.isArray(value.dims);
}

/**
 * Checks what `prepare` gave against what the model says of its inputs.
 *
 * @param batched - whether values share runs, in which each is one.
 * @throws EdgeFlowError `TENSOR_INVALID` that names the input, what it expects, and what was found.
 */
export function checkTensors(given: TensorData | Tensors, inputs: readonly ModelTensor[], batched: boolean): Tensors {
  const [only] = inputs;
  if (isTensor(given) && (inputs.length !== 1 || !only))
    throw invalid(
      `prepare gave one tensor without a name, but the model has the inputs ${namesOf(inputs)}; give { name: tensor } for each`,
    );
  const tensors: Tensors = isTensor(given) ? { [only?.name ?? '']: given } : given;
  for (const name of Object.keys(tensors)) {
    if (inputs.some((input) => input.name === name)) continue;
    const hint = closest(
      name,
      inputs.map((input) => input.name),
    );
    throw invalid(
      `prepare gave '${name}', which is no input of the model; expected ${namesOf(inputs)}${hint === undefined ? '' : ` (did you mean '${hint}'?)`}`,
    );
  }
  for (const input of inputs) {
    const [, ...sides] = input.shape;
    checkTensor(batched ? { ...input, shape: [1, ...sides] } : input, tensors[input.name]);
  }
  return tensors;
}

function checkTensor({ name, type, shape }: ModelTensor, tensor: TensorData | undefined): void {
  const expected = `expected ${type} [${shape.join(', ')}]`;
  if (!tensor) throw invalid(`prepare gave no tensor for the input '${name}'; ${expected}`);
  const { data, dims } = tensor;
  const found = typeOf(data);
  const told = `the input '${name}' was given ${found ?? 'something that is no typed array'} [${dims.join(', ')}]`;
  const fits = dims.length === shape.length && dims.every((side, i) => typeof shape[i] !== 'number' || shape[i] === side);
  if (found !== type || !fits) throw invalid(`${told}; ${expected}${found === type ? '' : `, whose array is ${arrayOf(type)}`}`);
  if (!dims.every((side) => Number.isInteger(side) && side >= 1)) throw invalid(`${told}; expected whole numbers from 1`);
  const count = dims.reduce((product, side) => product * side, 1);
  if (data.length !== count) throw invalid(`${told}, but ${data.length} numbers; expected ${count}`);
}

function arrayOf(type: string): string {
  return typeNames.find(([, name]) => name === type)?.[0].name ?? `none that infer knows: it takes ${tensorTypes.join(', ')}`;
}

function namesOf(inputs: readonly ModelTensor[]): string {
  return inputs.map(({ name }) => `'${name}'`).join(', ');
}

function invalid(message: string): EdgeFlowError {
  return new EdgeFlowError('TENSOR_INVALID', `infer: ${message}`);
}
