import type { PackedTensors, Tensors } from './tensors.js';

/** What `infer` does on the threads. */
export interface TensorsKind {
  readonly options: {
    /** Whether the model runs once on zeros when it is opened. */
    readonly warmUp: boolean;
    /** Names of the outputs to give; undefined for all. */
    readonly outputs: readonly string[] | undefined;
  };
  readonly info: Readonly<Record<string, never>>;
  readonly job: PackedTensors;
  readonly result: Tensors;
}
