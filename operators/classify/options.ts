import { EdgeFlowError } from 'edgeflow';
import { checkCount, checkRange } from '../checks.js';
import type { ModelOptions } from '../inference/options.js';
import type { ClassifierSettings } from './classifierKind.js';

/** Options of `classify`. */
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
   * 1; or `'stretch'`, all of it without regard to its proportions.
   *
   * @defaultValue 0.875, which is 224 of 256 pixels; `'stretch'` of an object, whose box is close around it
   */
  readonly crop?: number | 'stretch';
  /** Whether the output becomes probabilities by softmax. @defaultValue 'auto': where its numbers do not sum up to 1 */
  readonly softmax?: 'auto' | boolean;
  /** Input size in pixels of a model whose input has no fixed size. @defaultValue 224 by 224 */
  readonly inputSize?: { readonly width: number; readonly height: number };
}

/**
 * How a classifier is opened.
 *
 * @param byAreas - whether objects are looked at, and not whole frames.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function classifierSettings(options: ClassifyOptions, byAreas: boolean): ClassifierSettings {
  const { topK = 5, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225], channelOrder = 'rgb' } = options;
  const { crop = byAreas ? 'stretch' : 0.875, inputSize = { width: 224, height: 224 } } = options;
  checkCount('classify', 'topK', topK, 100_000);
  checkCount('classify', 'inputSize.width', inputSize.width, 8192);
  checkCount('classify', 'inputSize.height', inputSize.height, 8192);
  if (crop !== 'stretch') checkRange('classify', 'crop', crop, 0.01, 1);
  checkColours('mean', mean, -1000);
  checkColours('std', std, 1e-6);
  return { mean, std, channelOrder, cropShare: crop === 'stretch' ? undefined : crop, inputSize, byAreas };
}

function checkColours(name: string, values: readonly number[], least: number): void {
  if (values.length !== 3)
    throw new EdgeFlowError('OPTIONS_INVALID', `classify: ${name} has ${values.length} numbers; expected three, for red, green and blue`);
  for (const value of values) checkRange('classify', name, value, least, 1000);
}
