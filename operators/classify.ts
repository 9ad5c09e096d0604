import { EdgeFlowError } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { modelOperator } from './inference/modelOperator.js';
import { checkCount, checkRange } from './checks.js';
import type { ModelResult } from './detections.js';
import { modelSettings } from './inference/options.js';
import type { ModelOptions } from './inference/options.js';
import { rawPicture } from './inference/rawPicture.js';
import { resolveLabels } from './yolo/labels.js';

/** Options of {@link classify}. */
export interface ClassifyOptions extends ModelOptions {
  /** An ONNX file (a path, or a `file:` URL), or `<name>` of `<name>.onnx` in the folder that `EDGEFLOW_MODELS` names. */
  readonly model: string | URL;
  /** Class names in the model's order. @defaultValue those in the model's metadata */
  readonly labels?: readonly string[];
  /** Number of classes to tell, the best ones. @defaultValue 5 */
  readonly topK?: number;
  /** Subtracted from red, green and blue, which are from 0 to 1. @defaultValue ImageNet's: 0.485, 0.456, 0.406 */
  readonly mean?: readonly [red: number, green: number, blue: number];
  /** Red, green and blue are then divided by this. @defaultValue ImageNet's: 0.229, 0.224, 0.225 */
  readonly std?: readonly [red: number, green: number, blue: number];
  /** Order of the model's channels. @defaultValue 'rgb' */
  readonly channelOrder?: 'rgb' | 'bgr';
  /**
   * What the model sees: the middle of the frame in the input's proportions, this share of the largest such part, over 0 to
   * 1; or `'stretch'`, the whole frame without regard to its proportions. @defaultValue 0.875, which is 224 of 256 pixels
   */
  readonly crop?: number | 'stretch';
  /** Whether the output becomes probabilities by softmax. @defaultValue 'auto': where its numbers do not sum up to 1 */
  readonly softmax?: 'auto' | boolean;
  /** Input size in pixels of a model whose input has no fixed size. @defaultValue 224 by 224 */
  readonly inputSize?: { readonly width: number; readonly height: number };
}

/** What a picture may show. */
export interface Classification {
  /** Name of the class, such as `tabby cat`. */
  readonly label: string;
  /** Index of the class in the model's output. */
  readonly classId: number;
  /** Confidence from 0 to 1. */
  readonly score: number;
}

/** What a classifier says of one frame. */
export interface Classifications extends ModelResult {
  /** The best classes, best first. */
  readonly classes: readonly Classification[];
}

/**
 * Says what frames show as a whole, by a model of the ImageNet kind. The model and the scaling run on worker threads.
 *
 * ```
 * frames  --f0-----f1-----f2----|
 *         classify({ model: 'models/mobilenet.onnx', labels })
 * out     -----C0-----C1-----C2-|      in order; the best classes of each
 * ```
 *
 * Frames are scaled with a filter that leaves no pixel out, as the pictures of the training were. For models of Ultralytics,
 * which do not normalise, set `mean: [0, 0, 0]`, `std: [1, 1, 1]` and `crop: 1`.
 *
 * - **Emits** one {@link Classifications} for each frame.
 * - **Settles** a delivery when its classifications have been dealt with downstream.
 * - **Fails** the delivery of a frame that does not hold what it says (`FRAME_INVALID`, `IMAGE_INVALID`), or for which the
 *   model gave no finite numbers or broke off (`INFERENCE_FAILED`). The stream itself fails when the model cannot be used:
 *   `MODEL_MISSING`, `MODEL_DOWNLOAD`, `MODEL_INVALID`, and `OPTIONS_INVALID` for labels that do not fit it, or when none of
 *   the providers can be used.
 * - **Completes** when the source has completed and the last frame is done.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range, or an unknown provider.
 * @example
 * ```ts
 * frames.pipe(classify({ model: 'models/mobilenet.onnx', labels, topK: 1 }), map(({ classes }) => classes[0]?.label))
 * ```
 */
export function classify(options: ClassifyOptions): OperatorFunction<Frame, Classifications> {
  const { model, topK = 5, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225], channelOrder = 'rgb', crop = 0.875 } = options;
  const { softmax = 'auto', inputSize = { width: 224, height: 224 }, labels: given, onReady } = options;
  checkCount('classify', 'topK', topK, 100_000);
  checkCount('classify', 'inputSize.width', inputSize.width, 8192);
  checkCount('classify', 'inputSize.height', inputSize.height, 8192);
  if (crop !== 'stretch') checkRange('classify', 'crop', crop, 0.01, 1);
  checkColours('mean', mean, -1000);
  checkColours('std', std, 1e-6);
  const cropShare = crop === 'stretch' ? undefined : crop;

  return modelOperator({
    operator: 'classify',
    pool: {
      kind: 'classify',
      ...modelSettings('classify', model, options),
      batch: { max: 1, waitMs: 0 },
      options: { mean, std, channelOrder, cropShare, inputSize },
    },
    onReady,
    told: ({ input }) => ({ head: 'classifier', inputSize: input }),
    fit: ({ name, info, metadata }) => {
      const names = metadata.get('names');
      return { name, labels: resolveLabels({ operator: 'classify', model: name, classes: info.classes, labels: given, names }) };
    },
    work: async (frame: Frame, { ready, run }) => {
      checkFrame(frame);
      const picture = await rawPicture(frame);
      const { name, labels } = await ready;
      const scores = await run({ picture, topK, softmax });
      const classes = scores.map(({ classId, score }) => ({ label: labels[classId] ?? String(classId), classId, score }));
      const { width, height, time, index, source } = frame;
      return { classes, width, height, time, index, source, model: name };
    },
  });
}

function checkColours(name: string, values: readonly number[], least: number): void {
  if (values.length !== 3)
    throw new EdgeFlowError('OPTIONS_INVALID', `classify: ${name} has ${values.length} numbers; expected three, for red, green and blue`);
  for (const value of values) checkRange('classify', name, value, least, 1000);
}
