import type { OperatorFunction } from 'rxjs';
import type { Detections } from './detections.js';
import type { Frame } from './frame.js';
import { detector } from './yolo/detector.js';
import type { DetectorOptions } from './yolo/detector.js';

/** Options of {@link detectYolo}. */
export interface DetectYoloOptions extends DetectorOptions {
  /**
   * An ONNX file (a path, or a `file:` URL), or the name of a model: `yolox-nano`, or `<name>.onnx` in the folder that
   * the environment variable `EDGEFLOW_MODELS` names. A named model is fetched once and kept.
   * @defaultValue 'yolox-nano'
   */
  readonly model?: string | URL;
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
 * Frames are raw (`rgb24`, `gray8`) or `jpeg`. Streams of one process with the same model and options of running it share
 * one pool, which is closed when the last of them has ended. With `batch`, frames of several cameras go through one run:
 *
 * ```
 * door    --d0--------d1------
 * yard    ---y0--------y1-----        each detectYolo({ model, batch: { max: 2, waitMs: 20 } })
 * runs    ---[d0 y0]---[d1 y1]        as soon as there are two, or 20 ms after the first
 * ```
 *
 * - **Emits** one {@link Detections} for each frame, also where nothing was found.
 * - **Settles** a delivery when its detections have been dealt with downstream.
 * - **Fails** the delivery of a frame that does not hold what it says (`FRAME_INVALID`, `IMAGE_INVALID`), whose worker broke off
 *   (the worker is replaced), or for which the model gave NaN or infinite numbers (both `INFERENCE_FAILED`). The stream itself
 *   fails when the model cannot be used: `MODEL_MISSING`, `MODEL_DOWNLOAD`, `MODEL_INVALID`, and `OPTIONS_INVALID` for labels,
 *   classes or a batch that do not fit it, or when none of the providers can be used.
 * - **Completes** when the source has completed and the last frame is done.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range, a region that crosses itself, or an unknown provider.
 * @example
 * ```ts
 * camera({ source: 'street.mp4' }).pipe(detectYolo({ classes: ['person'], workers: 2 })).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function detectYolo(options: DetectYoloOptions = {}): OperatorFunction<Frame, Detections> {
  const { model = 'yolox-nano' } = options;
  return detector(options, { operator: 'detectYolo', task: 'detect', model, fit: () => undefined, toObject: (detection) => detection });
}
