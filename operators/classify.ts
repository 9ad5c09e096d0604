import type { OperatorFunction } from 'rxjs';
import { checkFunction, checkRange } from './checks.js';
import { classifier } from './classify/classifier.js';
import type { Classification } from './classify/classifier.js';
import type { ClassifyOptions } from './classify/options.js';
import type { Box, ModelResult } from './detections.js';
import type { Frame } from './frame.js';
import { checkBox, pixelsOf } from './pictures/boxes.js';

/** Options of {@link classify} for the objects of each value. */
export interface ClassifyObjectsOptions<T, O extends { readonly box: Box }> extends ClassifyOptions {
  /** The picture of a value. */
  readonly frame: (value: T) => Frame;
  /** The objects in it, such as those that a detector found: whatever has a `box`, in pixels of the picture. */
  readonly objects: (value: T) => readonly O[];
  /** How much more than its box the model sees of an object on each side, as a share of the box. @defaultValue 0 */
  readonly margin?: number;
}

/** What a classifier says of one frame. */
export interface Classifications extends ModelResult {
  /** The best classes, best first. */
  readonly classes: readonly Classification[];
}

/** An object as it was given, and what a classifier says of it. */
export type ClassifiedObject<O> = O & {
  /** The best classes, best first; none of an object that lies outside of the picture or has no area. */
  readonly classes: readonly Classification[];
};

/** What a classifier says of the objects in one frame. */
export interface ClassifiedObjects<O> extends ModelResult {
  /** The objects in the order in which they were given. */
  readonly objects: readonly ClassifiedObject<O>[];
}

/**
 * Says what frames show as a whole, or what each object in them is, by a model of the ImageNet kind. The model and the
 * scaling run on worker threads.
 *
 * ```
 * frames  --f0-----f1-----f2----|             in   --{frame, [a, b]}-----{frame, []}--|
 *         classify({ model, labels })              classify({ model, labels, frame, objects })
 * out     -----C0-----C1-----C2-|             out  -----[a: C, b: C]-----[]-----------|      both in order
 * ```
 *
 * Frames are scaled with a filter that leaves no pixel out, as the pictures of the training were. For models of Ultralytics,
 * which do not normalise, set `mean: [0, 0, 0]`, `std: [1, 1, 1]` and `crop: 1`.
 *
 * - **Emits** one {@link Classifications} for each frame; with `objects` one {@link ClassifiedObjects} for each value, whose
 *   objects have what they had (a label, a track) and `classes`.
 * - **Settles** a delivery when its classifications have been dealt with downstream.
 * - **Fails** the delivery of a frame that does not hold what it says (`FRAME_INVALID`, `IMAGE_INVALID`), of a box that is none
 *   (`BOX_INVALID`), or for which the model gave no finite numbers or broke off (`INFERENCE_FAILED`). The stream itself fails when
 *   the model cannot be used: `MODEL_MISSING`, `MODEL_DOWNLOAD`, `MODEL_INVALID`, and `OPTIONS_INVALID` for labels or a batch that
 *   do not fit it, or when none of the providers can be used.
 * - **Completes** when the source has completed and the last frame is done.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range, or an unknown provider.
 * @example
 * ```ts
 * frames.pipe(classify({ model: 'models/mobilenet.onnx', labels, topK: 1 }), map(({ classes }) => classes[0]?.label))
 * // What colour is each of the cars?
 * seen.pipe(classify({ model: 'models/colours.onnx', labels, frame: ({ frame }) => frame, objects: ({ found }) => found.objects }))
 * ```
 */
export function classify<T, O extends { readonly box: Box }>(
  options: ClassifyObjectsOptions<T, O>,
): OperatorFunction<T, ClassifiedObjects<O>>;
export function classify(options: ClassifyOptions): OperatorFunction<Frame, Classifications>;
export function classify<T, O extends { readonly box: Box }>(
  options: ClassifyOptions | ClassifyObjectsOptions<T, O>,
): OperatorFunction<Frame, Classifications> | OperatorFunction<T, ClassifiedObjects<O>> {
  if (!('objects' in options))
    return classifier(options, false, (frame: Frame) => ({ frame, toResult: ([classes = []]) => ({ classes }) }));
  const { frame, objects, margin = 0 } = options;
  checkFunction('classify', 'frame', frame);
  checkFunction('classify', 'objects', objects);
  checkRange('classify', 'margin', margin, 0, 10);
  return classifier(options, true, (value: T) => {
    const given = objects(value);
    return {
      frame: frame(value),
      areas: ({ width, height }) => given.map(({ box }) => pixelsOf(checkBox(box, 'classify'), width, height, margin)),
      toResult: (found) => ({ objects: given.map((object, index) => ({ ...object, classes: found[index] ?? [] })) }),
    };
  });
}
