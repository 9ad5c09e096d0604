import { drawScene, trackObjects } from 'edgeflow/operators';
import type { Box, Detection, Detections, SceneObject, TrackObjectsOptions } from 'edgeflow/operators';
import { from, lastValueFrom, map, toArray } from 'rxjs';
import { Random } from '#operators/scene/random.js';
import type { ScoredFrame } from './trackingScore.js';

/** What a detector that makes mistakes would find. */
export interface Mistakes {
  /** Part of the objects that is not found. */
  readonly missed: number;
  /** Standard deviation of each edge, as a part of the box's width or height. */
  readonly jitter: number;
  /** False finds a frame, in the mean. */
  readonly invented: number;
}

/** A frame of a street, and what is in it. */
export interface StreetFrame {
  readonly detections: Detections;
  readonly truth: readonly SceneObject[];
}

/** True boxes of a street, without mistakes. */
export function streetFrames(seed: number, count: number, width = 640): StreetFrame[] {
  const draw = drawScene({ seed, width, height: (width * 9) / 16 });
  return Array.from({ length: count }, (_, at) => {
    const { frame, objects } = draw(at);
    const { width, height, time, index, source } = frame;
    const found = objects.map(({ label, box }): Detection => ({ label, classId: classes.indexOf(label), score: 0.9, box }));
    return { detections: { objects: found, width, height, time, index, source, model: 'truth' }, truth: objects };
  });
}

const classes = ['person', 'car', 'dog', 'bicycle'];

/** A number of the normal distribution (Box and Muller 1958). */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

/** Makes a detector's mistakes. What is half hidden is found by chance, with a low score. */
function degrade({ detections, truth }: StreetFrame, random: Random, { missed, jitter, invented }: Mistakes): Detections {
  const { width, height } = detections;
  const moved = ([x1, y1, x2, y2]: Box): Box => {
    const shift = (side: number): number => normal(random) * jitter * side;
    const [left, top, right, bottom] = [x1 + shift(x2 - x1), y1 + shift(y2 - y1), x2 + shift(x2 - x1), y2 + shift(y2 - y1)];
    return [Math.min(left, right - 1), Math.min(top, bottom - 1), right, bottom];
  };
  const found = truth.flatMap(({ label, box, ignore, visible }): Detection[] => {
    const seen = ignore ? random.chance(visible) : !random.chance(missed);
    const score = ignore ? random.between(0.1, 0.5) : random.between(0.5, 0.95);
    return seen ? [{ label, classId: classes.indexOf(label), score, box: moved(box) }] : [];
  });
  for (let left = invented; random.chance(left); left--) {
    const [x, y, side] = [random.between(0, width), random.between(0, height), random.between(10, 90)];
    const classId = Math.floor(random.between(0, 4));
    const box: Box = [x, y, x + side * random.between(0.4, 2), y + side];
    found.push({ label: classes[classId] ?? '', classId, score: random.between(0.1, 0.9), box });
  }
  return { ...detections, objects: found.toSorted((a, b) => b.score - a.score) };
}

/** Runs the tracker over frames with mistakes, of which every `every`-th is seen. */
export function trackStreet(
  frames: readonly StreetFrame[],
  { seed, every = 1, mistakes, options }: { seed: number; every?: number; mistakes: Mistakes; options: TrackObjectsOptions },
): Promise<ScoredFrame[]> {
  const random = new Random(seed);
  const seen = frames.filter((_, at) => at % every === 0);
  return lastValueFrom(
    from(seen.map((frame) => degrade(frame, random, mistakes))).pipe(
      trackObjects(options),
      map(({ objects }, at) => ({ truth: (seen[at]?.truth ?? []).map((object) => ({ ...object, id: object.track })), said: objects })),
      toArray(),
    ),
  );
}
