import { iou } from 'edgeflow/operators';
import type { Box } from 'edgeflow/operators';
import { linearSumAssignment } from 'linear-sum-assignment';

/** Something that is really there, or was said to be. */
export interface Placed {
  readonly id: number;
  readonly label: string;
  readonly box: Box;
  /** What is too hidden or too small to count: what is said of it counts neither way. */
  readonly ignore?: boolean;
}

/** One frame: what is there, and what the tracker says. */
export interface ScoredFrame {
  readonly truth: readonly Placed[];
  readonly said: readonly Placed[];
}

/** How well a tracker did. */
export interface TrackingScore {
  readonly mota: number;
  readonly idf1: number;
  readonly objects: number;
  readonly missed: number;
  readonly wrong: number;
  readonly switches: number;
}

/** Overlap from which a box is said to be at an object, as in the MOT challenge. */
const leastIou = 0.5;

type Pair = readonly [truth: Placed, said: Placed];

/** Pairs for which the sum of `worth` is the largest; pairs worth 0 are none. */
function pair<A, B>(left: readonly A[], right: readonly B[], worth: (a: A, b: B) => number): (readonly [A, B])[] {
  if (left.length === 0 || right.length === 0) return [];
  const matrix = left.map((a) => right.map((b) => worth(a, b)));
  const { rowAssignments } = linearSumAssignment(matrix, { maximaze: true });
  return left.flatMap((a, row) => {
    const column = rowAssignments[row] ?? -1;
    const b = right[column];
    return b !== undefined && (matrix[row]?.[column] ?? 0) > 0 ? [[a, b] as const] : [];
  });
}

const overlapOf = (a: Placed, b: Placed): number => (a.label === b.label && iou(a.box, b.box) >= leastIou ? iou(a.box, b.box) : 0);

/**
 * Scores a tracker by CLEAR MOT (Bernardin and Stiefelhagen 2008, doi:10.1155/2008/246309): MOTA = 1 - (missed + wrong +
 * identity switches) / objects, where a pair of the last frame is kept while it overlaps; and by IDF1 (Ristani et al.
 * 2016, arXiv:1609.01775): the F1 of the one-to-one assignment of whole tracks that explains the most boxes.
 *
 * What is said of ignored objects is taken out first, as the MOT challenge does.
 */
export function scoreTracking(frames: readonly ScoredFrame[]): TrackingScore {
  let [objects, missed, wrong, switches, saidBoxes] = [0, 0, 0, 0, 0];
  const lastSaid = new Map<number, number>();
  const together = new Map<string, number>();
  const [truthIds, saidIds] = [new Set<number>(), new Set<number>()];
  for (const frame of frames) {
    const truth = frame.truth.filter(({ ignore }) => !ignore);
    const said = withoutIgnored(frame);
    const kept = truth.flatMap((object): Pair[] => {
      const same = said.find(({ id }) => id === lastSaid.get(object.id));
      return same && overlapOf(object, same) > 0 ? [[object, same]] : [];
    });
    const paired = new Set(kept.flat());
    const open = (all: readonly Placed[]): Placed[] => all.filter((one) => !paired.has(one));
    const pairs = [...kept, ...pair(open(truth), open(said), overlapOf)];
    for (const [object, { id }] of pairs) {
      const before = lastSaid.get(object.id);
      if (before !== undefined && before !== id) switches++;
      lastSaid.set(object.id, id);
    }
    objects += truth.length;
    saidBoxes += said.length;
    missed += truth.length - pairs.length;
    wrong += said.length - pairs.length;
    for (const { id } of truth) truthIds.add(id);
    for (const { id } of said) saidIds.add(id);
    for (const a of truth)
      for (const b of said) if (overlapOf(a, b) > 0) together.set(`${a.id} ${b.id}`, (together.get(`${a.id} ${b.id}`) ?? 0) + 1);
  }
  const shared = (a: number, b: number): number => together.get(`${a} ${b}`) ?? 0;
  const explained = pair([...truthIds], [...saidIds], shared).reduce((sum, [a, b]) => sum + shared(a, b), 0);
  return {
    mota: 1 - (missed + wrong + switches) / objects,
    idf1: (2 * explained) / (objects + saidBoxes),
    objects,
    missed,
    wrong,
    switches,
  };
}

function withoutIgnored({ truth, said }: ScoredFrame): Placed[] {
  // An object that counts goes before one that does not.
  const pairs = pair(truth, said, (a, b) => (overlapOf(a, b) > 0 ? overlapOf(a, b) + (a.ignore ? 0 : 1) : 0));
  const ignored = new Set(pairs.flatMap(([a, b]) => (a.ignore ? [b] : [])));
  return said.filter((one) => !ignored.has(one));
}
