import { fromPull } from 'edgeflow';
import { detectYolo, drawScene, type Detection, type Frame, type SceneLabel, type SceneObject } from 'edgeflow/operators';
import { identity, lastValueFrom, toArray, type MonoTypeOperatorFunction } from 'rxjs';
import { averagePrecision } from './averagePrecision.js';
import { streetLabels } from './model.js';

/** Frames a second of scene time. */
const fps = 15;

/** Options of {@link evaluateOnStreet}. */
export interface EvaluateOptions {
  /** Path of the model. */
  readonly model: string;
  /** Scenes to judge it on. */
  readonly seeds: readonly number[];
  /** Frames of each scene, 20 seconds of scene time apart. @defaultValue 3 */
  readonly framesPerScene?: number;
  /** Width of the pictures in pixels; they are 16:9. @defaultValue 640 */
  readonly width?: number;
  /** What happens to the frames on their way, such as `encodeJpeg({ quality: 50 })`. @defaultValue nothing */
  readonly through?: MonoTypeOperatorFunction<Frame>;
}

/** How well a model knows the street. */
export interface StreetScore {
  /** Average precision of each class at IoU 0.5. */
  readonly precision: Readonly<Record<SceneLabel, number>>;
  /** The mean of the classes: mAP@0.5. */
  readonly mean: number;
  /** Objects that count, of each class. */
  readonly objects: Readonly<Record<SceneLabel, number>>;
}

/**
 * Runs `detectYolo`, as in production, over scenes and compares what it finds with what was drawn.
 *
 * @param options - the model and the scenes.
 * @returns average precision at IoU 0.5.
 */
export async function evaluateOnStreet(options: EvaluateOptions): Promise<StreetScore> {
  const { model, seeds, framesPerScene = 3, width = 640, through = identity } = options;
  const truth = new Map<string, readonly SceneObject[]>();
  const key = ({ source, index }: Pick<Frame, 'source' | 'index'>): string => `${source}/${index}`;
  async function* frames(): AsyncGenerator<Frame> {
    for (const seed of seeds) {
      const draw = drawScene({ seed, width, height: Math.round((width * 9) / 16), fps });
      for (let taken = 0; taken < framesPerScene; taken++) {
        const { frame, objects } = draw(taken * 20 * fps);
        truth.set(key(frame), objects);
        yield frame;
      }
    }
  }
  // The curve of precision over recall needs the unlikely finds too.
  const results = await lastValueFrom(fromPull(frames).pipe(through, detectYolo({ model, scoreThreshold: 0.02 }), toArray()));
  const found = new Map<string, readonly Detection[]>(results.map((result) => [key(result), result.objects]));
  const judged = [...truth].map(([name, objects]) => ({ truth: objects, found: found.get(name) ?? [] }));
  const each = (value: (label: SceneLabel) => number): Record<SceneLabel, number> => ({
    person: value('person'),
    car: value('car'),
    dog: value('dog'),
    bicycle: value('bicycle'),
  });
  const precision = each((label) => averagePrecision(judged, label));
  return {
    precision,
    mean: streetLabels.reduce((sum, label) => sum + precision[label], 0) / streetLabels.length,
    objects: each((label) => judged.flatMap((frame) => frame.truth).filter((object) => object.label === label && !object.ignore).length),
  };
}
