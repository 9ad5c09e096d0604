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
}

/** The bytes of a model that gives the same tensor for every picture. */
export function onnxFile({ input = [1, 3, 64, 64], output, values, metadata = {}, work = 0 }: ModelShape): Uint8Array {
  const count = output.reduce((product, side) => product * side, 1);
  const nodes = work === 0 ? [node('Identity', ['answer'], 'output')] : busyNodes(work);
  const graph = [
    ...nodes.map((each) => message(1, each)),
    text(2, 'test'),
    message(5, tensor('answer', output, values ?? new Float32Array(count))),
    message(5, tensor('zero', [], [0])),
    message(11, valueInfo('images', input)),
    message(12, valueInfo('output', output)),
  ];
  return concat([
    number(1, 8),
    message(7, concat(graph)),
    message(8, number(2, 13)),
    ...Object.entries(metadata).map(([key, value]) => message(14, concat([text(1, key), text(2, value)]))),
  ]);
}

/** answer + 0 * mean(images ^ work): nothing that an optimiser could leave out. */
function busyNodes(work: number): Uint8Array[] {
  const products = Array.from({ length: work }, (_, i) => node('MatMul', [i === 0 ? 'images' : `p${i - 1}`, 'images'], `p${i}`));
  const keepdims = concat([text(1, 'keepdims'), number(3, 0), number(20, 2)]);
  return [
    ...products,
    node('ReduceMean', [`p${work - 1}`], 'mean', keepdims),
    node('Mul', ['mean', 'zero'], 'nothing'),
    node('Add', ['answer', 'nothing'], 'output'),
  ];
}

function node(type: string, inputs: readonly string[], output: string, attribute?: Uint8Array): Uint8Array {
  return concat([...inputs.map((name) => text(1, name)), text(2, output), text(4, type), ...(attribute ? [message(5, attribute)] : [])]);
}

function tensor(name: string, dims: readonly number[], values: ArrayLike<number>): Uint8Array {
  return concat([
    ...dims.map((side) => number(1, side)),
    number(2, 1),
    text(8, name),
    message(9, new Uint8Array(Float32Array.from(values).buffer)),
  ]);
}

function valueInfo(name: string, dims: readonly (number | string)[]): Uint8Array {
  const shape = dims.map((side) => message(1, typeof side === 'number' ? number(1, side) : text(2, side)));
  return concat([text(1, name), message(2, message(1, concat([number(1, 1), message(2, concat(shape))])))]);
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
