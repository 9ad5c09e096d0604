import type { OperatorFunction } from 'rxjs';
import type { ModelResult } from '../detections.js';
import { checkFrame } from '../frame.js';
import type { Frame } from '../frame.js';
import { modelOperator } from '../inference/modelOperator.js';
import { modelSettings } from '../inference/options.js';
import { rawPicture } from '../inference/rawPicture.js';
import type { PixelArea } from '../pictures/boxes.js';
import { resolveLabels } from '../yolo/labels.js';
import type { Size } from '../yolo/letterboxGeometry.js';
import { classifierSettings } from './options.js';
import type { ClassifyOptions } from './options.js';

/** What a picture may show. */
export interface Classification {
  /** Name of the class, such as `tabby cat`. */
  readonly label: string;
  /** Index of the class in the model's output. */
  readonly classId: number;
  /** Confidence from 0 to 1. */
  readonly score: number;
}

/** What to look at of a value. */
export interface View<R> {
  readonly frame: Frame;
  /** Parts of the picture, each looked at by itself; undefined for one that there is nothing of. */
  readonly areas?: (picture: Size) => readonly (PixelArea | undefined)[];
  /** What is told beside the frame: of the classes of each area, or of those of the whole picture. */
  readonly toResult: (found: readonly (readonly Classification[])[]) => R;
}

/** Makes an operator that says what pictures, or areas of them, show. */
export function classifier<T, R>(
  options: ClassifyOptions,
  byAreas: boolean,
  viewOf: (value: T) => View<R>,
): OperatorFunction<T, R & ModelResult> {
  const { model, labels: given, topK = 5, softmax = 'auto', onReady } = options;
  return modelOperator({
    operator: 'classify',
    pool: { kind: 'classify', ...modelSettings('classify', model, options), options: classifierSettings(options, byAreas) },
    onReady,
    told: ({ input }) => ({ head: 'classifier', inputSize: input }),
    fit: ({ name, info, metadata }) => {
      const names = metadata.get('names');
      return { name, labels: resolveLabels({ operator: 'classify', model: name, classes: info.classes, labels: given, names }) };
    },
    work: async (value: T, { ready, run }) => {
      const { frame, areas: areasOf, toResult } = viewOf(value);
      checkFrame(frame);
      const picture = await rawPicture(frame);
      const areas = areasOf?.(picture);
      const seen = areas?.filter((area) => area !== undefined);
      const { name, labels } = await ready;
      const scores = seen?.length === 0 ? [] : await run({ picture, areas: seen, topK, softmax });
      const classes = scores.map((list) =>
        list.map(({ classId, score }) => ({ label: labels[classId] ?? String(classId), classId, score })),
      );
      const { width, height, time, index, source } = frame;
      return { ...toResult(areas ? inPlace(areas, classes) : classes), width, height, time, index, source, model: name };
    },
  });
}

/** The results of the areas that there are, and none for the others. */
function inPlace<C>(areas: readonly unknown[], results: readonly (readonly C[])[]): readonly (readonly C[])[] {
  let next = 0;
  return areas.map((area) => (area === undefined ? [] : (results[next++] ?? [])));
}
