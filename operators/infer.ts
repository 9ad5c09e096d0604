import { EdgeFlowError } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkFunction } from './checks.js';
import { checkTensors, packTensors } from './infer/tensors.js';
import type { TensorData, Tensors } from './infer/tensors.js';
import { modelOperator } from './inference/modelOperator.js';
import { modelSettings } from './inference/options.js';
import type { ModelOptions } from './inference/options.js';

/** Options of {@link infer}. */
export interface InferOptions<T, R> extends ModelOptions {
  /** An ONNX file (a path, or a `file:` URL), or a name as `detectYolo` takes it. */
  readonly model: string | URL;
  /** Makes the model's inputs of a value: tensors by the inputs' names, or the tensor of the only input. */
  readonly prepare: (value: T) => TensorData | Tensors | PromiseLike<TensorData | Tensors>;
  /** Makes what is emitted of the model's outputs, by their names. */
  readonly interpret: (outputs: Tensors, value: T) => R | PromiseLike<R>;
  /** Names of the outputs to compute. @defaultValue all */
  readonly outputs?: readonly string[];
  /**
   * Whether the arrays that `prepare` gives are handed over to the thread instead of being copied. They are empty afterwards:
   * for arrays that are made anew for each value, and never for a frame's own bytes. An array that is a part of a larger
   * block is copied all the same. @defaultValue false
   */
  readonly transfer?: boolean;
  /** Whether the model runs once on zeros before the first value, so that this one is not slow. @defaultValue true */
  readonly warmUp?: boolean;
}

/**
 * Runs any ONNX model, with your own code before and behind it. That runs in the calling thread, the model on worker threads:
 * the process's event loop stays free.
 *
 * ```
 * in   --a-----b-----c----|
 *      infer({ model, prepare, interpret })
 * out  -----A-----B-----C-|      interpret(model(prepare(a)), a); in order
 * ```
 *
 * Streams of one process with the same model and options of running it share one pool, which is closed when the last of
 * them has ended. With `batch`, each value's tensors have 1 as their first side, along which those of several values are put
 * one behind the other.
 *
 * - **Emits** what `interpret` returns, one for each value.
 * - **Settles** a delivery when its result has been dealt with downstream.
 * - **Fails** the delivery of a value whose tensors do not fit the model (`TENSOR_INVALID`), that the model could not be
 *   run on (`INFERENCE_FAILED`), or whose `prepare` or `interpret` throws. The stream itself fails when the model cannot be
 *   used: `MODEL_MISSING`, `MODEL_DOWNLOAD`, `MODEL_INVALID`, and `OPTIONS_INVALID` for outputs that it does not have, a batch
 *   that it cannot take, or when none of the providers can be used.
 * - **Completes** when the source has completed and the last value is done.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range, or an unknown provider.
 * @example
 * ```ts
 * readings.pipe(infer({
 *   model: 'models/anomaly.onnx',
 *   prepare: ({ values }) => ({ data: Float32Array.from(values), dims: [1, values.length] }),
 *   interpret: ({ score }, { time }) => ({ time, score: score?.data[0] }),
 * }))
 * ```
 */
export function infer<T, R>(options: InferOptions<T, R>): OperatorFunction<T, R> {
  const { model, prepare, interpret, outputs, transfer = false, warmUp = true, onReady } = options;
  if (outputs?.length === 0)
    throw new EdgeFlowError('OPTIONS_INVALID', 'infer: outputs is empty; expected at least one name, or none for all');
  const settings = modelSettings('infer', model, options);
  checkFunction('infer', 'prepare', prepare);
  checkFunction('infer', 'interpret', interpret);

  return modelOperator({
    operator: 'infer',
    pool: { kind: 'tensors', ...settings, options: { warmUp, outputs } },
    onReady,
    told: () => ({ head: undefined, inputSize: undefined }),
    fit: ({ inputs }) => inputs,
    work: async (value: T, { ready, run }) => {
      const inputs = await ready;
      const tensors = checkTensors(await prepare(value), inputs, settings.batch.max > 1);
      return interpret(await run(packTensors(tensors, transfer)), value);
    },
  });
}
