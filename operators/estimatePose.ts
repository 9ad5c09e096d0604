import { EdgeFlowError } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import type { Detection, Detections } from './detections.js';
import type { Frame } from './frame.js';
import type { OpenModel } from './inference/pool.js';
import { detector } from './yolo/detector.js';
import type { DetectorOptions } from './yolo/detector.js';
import type { Found } from './yolo/detectorKind.js';
import { coco17 } from './yolo/keypoints.js';

/** Options of {@link estimatePose}. */
export interface EstimatePoseOptions extends DetectorOptions {
  /** An ONNX file (a path, or a `file:` URL), or `<name>` of `<name>.onnx` in the folder that `EDGEFLOW_MODELS` names. */
  readonly model: string | URL;
  /** Names of the keypoints in the model's order. @defaultValue COCO's where there are 17, else their numbers */
  readonly keypoints?: readonly string[];
}

/** A point of an object, such as its left knee. */
export interface Keypoint {
  readonly name: string;
  /** In pixels of the frame, from the left. */
  readonly x: number;
  /** In pixels of the frame, from the top. */
  readonly y: number;
  /** How sure the model is that it is seen, from 0 to 1; 1 where the model does not tell. */
  readonly score: number;
}

/** An object with its keypoints. */
export interface Pose extends Detection {
  readonly keypoints: readonly Keypoint[];
}

/** What was found in one frame: {@link Detections} whose objects have keypoints. */
export interface Poses extends Detections {
  readonly objects: readonly Pose[];
}

/**
 * Finds people, or other objects that a model was trained for, and their keypoints by a YOLO-pose model: YOLOv8-pose,
 * YOLO11-pose, or an end-to-end head, told by the output's shape. Runs as `detectYolo` does, also with `batch`.
 *
 * ```
 * frames  --f0-----f1-----f2----|
 *         estimatePose({ model: 'models/yolo11n-pose.onnx' })
 * out     -----P0-----P1-----P2-|      in order; boxes and keypoints in pixels of the frame
 * ```
 *
 * How many keypoints there are is read from the model's metadata (`kpt_shape`), else from the output's shape, for one class
 * and three numbers a keypoint.
 *
 * - **Emits** one {@link Poses} for each frame, also where nobody was found. They are {@link Detections} too.
 * - **Settles** a delivery when its poses have been dealt with downstream.
 * - **Fails** as `detectYolo` does; `OPTIONS_INVALID` also for another number of `keypoints` than the model has.
 * - **Completes** when the source has completed and the last frame is done.
 *
 * @see https://docs.ultralytics.com/tasks/pose/
 * @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range, a region that crosses itself, or an unknown provider.
 * @example
 * ```ts
 * camera({ source: 'gym.mp4' }).pipe(estimatePose({ model: 'models/yolo11n-pose.onnx' })).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function estimatePose(options: EstimatePoseOptions): OperatorFunction<Frame, Poses> {
  const { model, keypoints } = options;
  return detector(options, {
    operator: 'estimatePose',
    task: 'pose',
    model,
    fit: (opened) => fitKeypoints(opened, keypoints),
    toObject: (detection, found, fitted): Pose => ({ ...detection, keypoints: keypointsOf(found, fitted) }),
  });
}

/** The keypoints' names, and how many numbers the model gives for each. */
interface FittedKeypoints {
  readonly names: readonly string[];
  readonly dims: number;
}

function fitKeypoints({ name, info: { head } }: OpenModel<'detect'>, given: readonly string[] | undefined): FittedKeypoints {
  const { count, dims } = ('keypoints' in head ? head.keypoints : undefined) ?? { count: 0, dims: 3 };
  const names = given ?? (count === coco17.length ? coco17 : Array.from({ length: count }, (_, index) => String(index)));
  if (names.length !== count)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `estimatePose: ${names.length} keypoints were named, but model '${name}' has ${count}; give one name a keypoint in the model's order`,
    );
  return { names, dims };
}

function keypointsOf({ keypoints = [] }: Found, { names, dims }: FittedKeypoints): Keypoint[] {
  return names.map((name, index) => {
    const [x = 0, y = 0, score = 1] = keypoints.slice(index * dims, (index + 1) * dims);
    return { name, x, y, score };
  });
}
