import { EdgeFlowError } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkFrame } from '../frame.js';
import type { Frame } from '../frame.js';
import { modelOperator } from '../inference/modelOperator.js';
import { checkCount, checkRange } from '../checks.js';
import { modelSettings } from '../inference/options.js';
import type { ModelOptions } from '../inference/options.js';
import type { OpenModel } from '../inference/pool.js';
import { rawPicture } from '../inference/rawPicture.js';
import type { Detection, Detections } from '../detections.js';
import type { DetectorSettings, Found } from './detectorKind.js';
import { classIdsOf, resolveLabels } from './labels.js';
import { checkRegion, inPixels } from './region.js';
import type { PolygonPoint } from './region.js';

/** Options that `detectYolo` and `estimatePose` have in common. */
export interface DetectorOptions extends ModelOptions {
  /** Class names in the model's order. @defaultValue those in the model's metadata, else COCO's where there are 80 classes */
  readonly labels?: readonly string[];
  /** Objects with a lower score are left out, from 0 to 1. @defaultValue 0.5 */
  readonly scoreThreshold?: number;
  /** Of two boxes of a class that overlap by more than this, the better one stays, from 0 to 1. @defaultValue 0.45 */
  readonly iouThreshold?: number;
  /** Names of the classes to look for. @defaultValue all */
  readonly classes?: readonly string[];
  /**
   * A polygon: only objects are kept that stand in it, by the middle of their box's bottom. Corners are `[x, y]` in pixels,
   * or in fractions of the frame's width and height where all numbers are from 0 to 1. @defaultValue the whole frame
   */
  readonly region?: readonly PolygonPoint[];
  /** At most this many objects a frame, the best ones. @defaultValue 300 */
  readonly maxDetections?: number;
  /** Input size in pixels of a model whose input has no fixed size. @defaultValue 640 by 640 */
  readonly inputSize?: { readonly width: number; readonly height: number };
}

/** What tells one detector from another. */
export interface DetectorParts<D extends Detection, F> {
  /** As users write it. */
  readonly operator: string;
  readonly task: DetectorSettings['task'];
  readonly model: string | URL;
  /** What depends on the model beside labels and classes. */
  readonly fit: (model: OpenModel<'detect'>) => F;
  /** The object that is emitted. */
  readonly toObject: (detection: Detection, found: Found, fitted: F) => D;
}

/** What is emitted: {@link Detections} whose objects may tell more. */
export type DetectionsOf<D extends Detection> = Omit<Detections, 'objects'> & { readonly objects: readonly D[] };

/** Makes an operator that finds objects in frames. */
export function detector<D extends Detection, F>(
  options: DetectorOptions,
  parts: DetectorParts<D, F>,
): OperatorFunction<Frame, DetectionsOf<D>> {
  const { operator, task, fit, toObject } = parts;
  const { scoreThreshold = 0.5, iouThreshold = 0.45, maxDetections = 300, inputSize = { width: 640, height: 640 }, region } = options;
  checkRange(operator, 'scoreThreshold', scoreThreshold, 0, 1);
  checkRange(operator, 'iouThreshold', iouThreshold, 0, 1);
  checkCount(operator, 'maxDetections', maxDetections, 100_000);
  checkCount(operator, 'inputSize.width', inputSize.width, 8192);
  checkCount(operator, 'inputSize.height', inputSize.height, 8192);
  if (region) checkRegion(operator, region);
  const settings = modelSettings(operator, parts.model, options);

  return modelOperator({
    operator,
    pool: { kind: 'detect', ...settings, options: { task, inputSize } },
    onReady: options.onReady,
    told: ({ head, input }) => ({ head: head.kind, inputSize: input }),
    fit: (model: OpenModel<'detect'>) => ({ ...fitLabels(operator, task, model, options), name: model.name, own: fit(model) }),
    work: async (frame: Frame, { ready, run }) => {
      checkFrame(frame);
      const picture = await rawPicture(frame);
      const { name, labels, classIds, own } = await ready;
      const pixels = region && inPixels(region, frame);
      const found = await run({ picture, select: { scoreThreshold, iouThreshold, maxDetections, classIds, region: pixels } });
      const { width, height, time, index, source } = frame;
      const objects = found.map((each) => toObject(toDetection(operator, each, labels), each, own));
      return { objects, width, height, time, index, source, model: name };
    },
  });
}

/** What of a loaded model depends on the subscriber's options. */
interface FittedLabels {
  readonly labels: readonly string[];
  readonly classIds: readonly number[] | undefined;
}

function fitLabels(
  operator: string,
  task: DetectorSettings['task'],
  { name, metadata, info }: OpenModel<'detect'>,
  { labels: given, classes }: DetectorOptions,
): FittedLabels {
  const said = metadata.get('task');
  if (said !== undefined && said !== task)
    throw new EdgeFlowError(
      'MODEL_INVALID',
      `${operator}: model '${name}' says that it is for '${said}'; expected '${task}': use detectYolo for 'detect', estimatePose for 'pose', classify for 'classify'`,
    );
  const names = metadata.get('names');
  // Models for poses are of people, unless they say otherwise.
  const people = task === 'pose' && names === undefined && (info.head.classes ?? 1) === 1 ? ['person'] : undefined;
  const labels = resolveLabels({ operator, model: name, classes: info.head.classes, labels: given ?? people, names });
  return { labels, classIds: classes && classIdsOf(operator, classes, labels) };
}

function toDetection(operator: string, { box, score, classId }: Found, labels: readonly string[]): Detection {
  const label = labels[classId];
  if (label === undefined)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${operator}: the model found class ${classId}, but there are ${labels.length} labels; give one label a class in the model's order`,
    );
  return { label, classId, score, box };
}
