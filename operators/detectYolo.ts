import { EdgeFlowError, mapAsync } from 'edgeflow';
import { Observable } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { fileURLToPath } from 'node:url';
import type { Detections } from './detections.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { decodePicture } from './picture.js';
import { joinPool } from './yolo/inference.js';
import type { OpenModel } from './yolo/inference.js';
import { classIdsOf, resolveLabels } from './yolo/labels.js';
import type { Found } from './yolo/protocol.js';

/** Options of {@link detectYolo}. */
export interface DetectYoloOptions {
  /**
   * An ONNX file (a path, or a `file:` URL), or the name of a model: `yolox-nano`, or `<name>.onnx` in the folder that
   * the environment variable `EDGEFLOW_MODELS` names. A named model is fetched once and kept.
   * @defaultValue 'yolox-nano'
   */
  readonly model?: string | URL;
  /** Class names in the model's order. @defaultValue those in the model's metadata, else COCO's where there are 80 classes */
  readonly labels?: readonly string[];
  /** Objects with a lower score are left out, from 0 to 1. @defaultValue 0.5 */
  readonly scoreThreshold?: number;
  /** Of two boxes of a class that overlap by more than this, the better one stays, from 0 to 1. @defaultValue 0.45 */
  readonly iouThreshold?: number;
  /** Names of the classes to look for. @defaultValue all */
  readonly classes?: readonly string[];
  /** At most this many objects a frame, the best ones. @defaultValue 300 */
  readonly maxDetections?: number;
  /** Threads that run the model, and frames worked on at once: one for each processor core to be used. @defaultValue 1 */
  readonly workers?: number;
  /** Input size in pixels of a model whose input has no fixed size. @defaultValue 640 by 640 */
  readonly inputSize?: { readonly width: number; readonly height: number };
}

/**
 * Finds objects in frames by a YOLO model: YOLOX, YOLOv5, YOLOv8, YOLO11, or an end-to-end head, told by the output's
 * shape. The model runs on worker threads; the process's event loop stays free.
 *
 * ```
 * frames  --f0-----f1-----f2----|
 *         detectYolo({ model: 'yolox-nano' })
 * out     -----D0-----D1-----D2-|      in order; boxes in pixels of the frame
 * ```
 *
 * Frames are raw (`rgb24`, `gray8`) or `jpeg`. Streams of one process with the same model and workers share one pool,
 * which is closed when the last of them has ended.
 *
 * - **Emits** one {@link Detections} for each frame, also where nothing was found.
 * - **Settles** a delivery when its detections have been dealt with downstream.
 * - **Fails** the delivery of a frame that does not hold what it says (`FRAME_INVALID`, `IMAGE_INVALID`) or whose worker
 *   broke off (`INFERENCE_FAILED`; the worker is replaced). The stream itself fails when the model cannot be used:
 *   `MODEL_MISSING`, `MODEL_DOWNLOAD`, `MODEL_INVALID`, and `OPTIONS_INVALID` for labels or classes that do not fit it.
 * - **Completes** when the source has completed and the last frame is done.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range.
 * @example
 * ```ts
 * camera({ source: 'street.mp4' }).pipe(detectYolo({ classes: ['person'], workers: 2 })).subscribe(({ objects }) => …);
 * ```
 */
export function detectYolo(options: DetectYoloOptions = {}): OperatorFunction<Frame, Detections> {
  const { scoreThreshold = 0.5, iouThreshold = 0.45, maxDetections = 300, workers = 1, inputSize = { width: 640, height: 640 } } = options;
  checkRange('scoreThreshold', scoreThreshold, 0, 1);
  checkRange('iouThreshold', iouThreshold, 0, 1);
  checkWhole('maxDetections', maxDetections, 100_000);
  checkWhole('workers', workers, 64);
  checkWhole('inputSize.width', inputSize.width, 8192);
  checkWhole('inputSize.height', inputSize.height, 8192);
  const { model = 'yolox-nano' } = options;
  const settings = { model: typeof model === 'string' ? model : pathOf(model), workers, inputSize };

  return (frames) =>
    new Observable((output) => {
      const { pool, leave } = joinPool(settings);
      output.add(leave);
      const ready = pool.opened.then((opened) => fit(opened, options));
      const stop = (error: unknown): void => {
        output.error(error);
      };
      ready.catch(stop);
      pool.failed.catch(stop);
      const detect = async (frame: Frame, signal: AbortSignal): Promise<Detections> => {
        checkFrame(frame);
        const picture = frame.format === 'jpeg' ? await decodePicture(frame) : frame;
        const { name, labels, classIds } = await ready;
        const found = await pool.run(picture, { scoreThreshold, iouThreshold, maxDetections, classIds }, signal);
        const { width, height, time, index, source } = frame;
        return { objects: found.map((each) => toDetection(each, labels)), width, height, time, index, source, model: name };
      };
      output.add(frames.pipe(mapAsync((frame, { signal }) => detect(frame, signal), { concurrency: workers })).subscribe(output));
    });
}

/** What of a loaded model depends on the subscriber's options. */
interface FittedModel {
  readonly name: string;
  readonly labels: readonly string[];
  readonly classIds: readonly number[] | undefined;
}

function fit({ name, names, info }: OpenModel, { labels: given, classes }: DetectYoloOptions): FittedModel {
  const labels = resolveLabels({ model: name, classes: info.head.classes, labels: given, names });
  return { name, labels, classIds: classes && classIdsOf(classes, labels) };
}

function toDetection([x1, y1, x2, y2, score, classId]: Found, labels: readonly string[]): Detections['objects'][number] {
  const label = labels[classId];
  if (label === undefined)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `detectYolo: the model found class ${classId}, but there are ${labels.length} labels; give one label a class in the model's order`,
    );
  return { label, classId, score, box: [x1, y1, x2, y2] };
}

function pathOf(model: URL): string {
  if (model.protocol !== 'file:')
    throw new EdgeFlowError('OPTIONS_INVALID', `detectYolo: model is ${model.href}; expected a path, a file: URL, or the name of a model`);
  return fileURLToPath(model);
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new EdgeFlowError('OPTIONS_INVALID', `detectYolo: ${name} is ${value}; expected a number from ${least} to ${most}`);
}

function checkWhole(name: string, value: number, most: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value <= most))
    throw new EdgeFlowError('OPTIONS_INVALID', `detectYolo: ${name} is ${value}; expected a whole number from 1 to ${most}`);
}
