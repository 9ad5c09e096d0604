import { iou, type Detection, type SceneObject } from 'edgeflow/operators';

/** One frame: what is in it and what was found in it. */
export interface Judged {
  readonly truth: readonly SceneObject[];
  readonly found: readonly Pick<Detection, 'label' | 'box' | 'score'>[];
}

/**
 * Average precision of one class: the area under its precision-recall curve, precision made monotone, over all points
 * (Pascal VOC 2010 and later). A find that matches only an ignored object counts neither way.
 *
 * @param frames - judged frames, in any order.
 * @param label - the class.
 * @param leastIou - overlap from which a find matches an object. @defaultValue 0.5
 * @returns from 0 to 1; NaN where the class does not occur.
 */
export function averagePrecision(frames: readonly Judged[], label: string, leastIou = 0.5): number {
  const outcomes: { score: number; hit: boolean }[] = [];
  let total = 0;
  for (const { truth, found } of frames) {
    const free = new Set(truth.filter((object) => object.label === label));
    for (const object of free) if (!object.ignore) total++;
    const best = found.filter((find) => find.label === label).toSorted((a, b) => b.score - a.score);
    for (const { box, score } of best) {
      const match = closest(free, box, leastIou);
      if (match) free.delete(match);
      if (!match?.ignore) outcomes.push({ score, hit: match !== undefined });
    }
  }
  outcomes.sort((a, b) => b.score - a.score);
  let hits = 0;
  const curve = outcomes.map(({ hit }, index) => ({ hit, precision: (hits += Number(hit)) / (index + 1) }));
  let ceiling = 0;
  let area = 0;
  for (const { hit, precision } of curve.toReversed()) {
    ceiling = Math.max(ceiling, precision);
    if (hit) area += ceiling;
  }
  return area / total;
}

/** The object that a box overlaps most. One that counts goes before one that is ignored. */
function closest(objects: Iterable<SceneObject>, box: Detection['box'], leastIou: number): SceneObject | undefined {
  let best: SceneObject | undefined;
  let rank = 0;
  for (const object of objects) {
    const overlap = iou(object.box, box);
    const worth = overlap - Number(object.ignore);
    if (overlap >= leastIou && (best === undefined || worth > rank)) {
      best = object;
      rank = worth;
    }
  }
  return best;
}
