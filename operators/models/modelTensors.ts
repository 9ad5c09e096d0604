import type { InferenceSession } from 'onnxruntime-node';

/** One input or output of a model. */
export interface ModelTensor {
  readonly name: string;
  /** Such as `float32`. */
  readonly type: string;
  /** A name, or `?`, stands for a size that the caller chooses. */
  readonly shape: readonly (number | string)[];
}

/** What a session tells of its inputs or outputs. */
export function tensorsOf(metadata: readonly InferenceSession.ValueMetadata[]): ModelTensor[] {
  return metadata.map((each) => {
    if (!each.isTensor) return { name: each.name, type: 'no tensor', shape: [] };
    return { name: each.name, type: each.type, shape: each.shape.map((side) => (side === '' ? '?' : side)) };
  });
}
