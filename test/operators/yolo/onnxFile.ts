/** Writes small ONNX files, so that the tests have models of every shape and the repository no binary ones. */

/** What a made-up model looks like. */
export interface ModelShape {
  /** A string is a dimension that the caller chooses. @defaultValue [1, 3, 64, 64] */
  readonly input?: readonly (number | string)[];
  readonly output: readonly number[];
  /** What the model gives for every picture, row-major. @defaultValue all 0 */
  readonly values?: ArrayLike<number>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Matrix products of the picture with itself before the answer, to take time. Needs a square input. @defaultValue 0 */
  readonly work?: number;
  /** Whether the answer is multiplied by the mean of each picture, so that a run of several tells them apart. @defaultValue false */
  readonly scaled?: boolean;
}

/** The bytes of a model that gives the same tensor for every picture. */
export function onnxFile({ input = [1, 3, 64, 64], output, values, metadata = {}, work = 0, scaled = false }: ModelShape): Uint8Array {
  const count = output.reduce((product, side) => product * side, 1);
  return graphFile({
    inputs: [{ name: 'images', shape: input }],
    outputs: [{ name: 'output', shape: scaled ? [input[0] ?? 1, ...output.slice(1)] : output }],
    constants: [
      { name: 'answer', dims: output, values: values ?? new Float32Array(count) },
      { name: 'zero', dims: [], values: [0] },
    ],
    nodes: scaled ? scalingNodes : work === 0 ? [{ type: 'Identity', inputs: ['answer'], output: 'output' }] : busyNodes(work),
    metadata,
  });
}

/** Numbers of onnx.proto3's TensorProto.DataType. */
export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const;

export type ElementType = keyof typeof elementTypes;

/** An input or output. */
interface GraphValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  /** @defaultValue 'float32' */
  readonly type?: ElementType;
}

/** A node with one output; attributes are lists of whole numbers, or one. */
interface GraphNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A whole graph; constants are float32. */
export interface Graph {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly constants?: readonly { readonly name: string; readonly dims: readonly number[]; readonly values: ArrayLike<number> }[];
  readonly nodes: readonly GraphNode[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The bytes of a model of any graph. */
export function graphFile({ inputs, outputs, constants = [], nodes, metadata = {} }: Graph): Uint8Array {
  const graph = [
    ...nodes.map((each) => message(1, node(each))),
    text(2, 'test'),
    ...constants.map(({ name, dims, values }) => message(5, tensor(name, dims, values))),
    ...inputs.map((value) => message(11, valueInfo(value))),
    ...outputs.map((value) => message(12, valueInfo(value))),
  ];
  return concat([
    number(1, 8),
    message(7, concat(graph)),
    message(8, number(2, 13)),
    ...Object.entries(metadata).map(([key, value]) => message(14, concat([text(1, key), text(2, value)]))),
  ]);
}

/** answer + 0 * mean(images ^ work): nothing that an optimiser could leave out. */
function busyNodes(work: number): GraphNode[] {
  const products = Array.from({ length: work }, (_, i) => ({
    type: 'MatMul',
    inputs: [i === 0 ? 'images' : `p${i - 1}`, 'images'],
    output: `p${i}`,
  }));
  return [
    ...products,
    { type: 'ReduceMean', inputs: [`p${work - 1}`], output: 'mean', attributes: { keepdims: 0 } },
    { type: 'Mul', inputs: ['mean', 'zero'], output: 'nothing' },
    { type: 'Add', inputs: ['answer', 'nothing'], output: 'output' },
  ];
}

/** answer * mean of each picture: [N, 3, H, W] to [N, 3, H] to [N, 1, 1]. */
const scalingNodes: readonly GraphNode[] = [
  { type: 'ReduceMean', inputs: ['images'], output: 'rows', attributes: { axes: [3], keepdims: 0 } },
  { type: 'ReduceMean', inputs: ['rows'], output: 'mean', attributes: { axes: [1, 2], keepdims: 1 } },
  { type: 'Mul', inputs: ['answer', 'mean'], output: 'output' },
];

function node({ type, inputs, output, attributes = {} }: GraphNode): Uint8Array {
  return concat([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, type),
    ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
  ]);
}

function attribute(name: string, value: number | readonly number[]): Uint8Array {
  if (typeof value === 'number') return concat([text(1, name), number(3, value), number(20, 2)]);
  return concat([text(1, name), ...value.map((each) => number(8, each)), number(20, 7)]);
}

function tensor(name: string, dims: readonly number[], values: ArrayLike<number>): Uint8Array {
  return concat([
    ...dims.map((side) => number(1, side)),
    number(2, elementTypes.float32),
    text(8, name),
    message(9, new Uint8Array(Float32Array.from(values).buffer)),
  ]);
}

function valueInfo({ name, shape, type = 'float32' }: GraphValue): Uint8Array {
  const dims = shape.map((side) => message(1, typeof side === 'number' ? number(1, side) : text(2, side)));
  return concat([text(1, name), message(2, message(1, concat([number(1, elementTypes[type]), message(2, concat(dims))])))]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}

function number(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

function message(field: number, content: Uint8Array): Uint8Array {
  return concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
}

function text(field: number, value: string): Uint8Array {
  return message(field, new TextEncoder().encode(value));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
