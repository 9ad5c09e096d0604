import { iou } from '../detections.js';
import type { Box, Detection, Detections } from '../detections.js';
import { PictureSize } from '../meaning/pictureSize.js';
import type { Track } from '../tracks.js';
import { assign } from './assign.js';
import { BoxFilter } from './boxFilter.js';

/** What a tracker goes by; see `TrackObjectsOptions`. */
export interface ByteTrackerSettings {
  readonly highScore: number;
  readonly lowScore: number;
  readonly newScore: number;
  readonly minIou: number;
  readonly reach: number;
  readonly confirmFrames: number;
  readonly maxLostMs: number;
  readonly coastMs: number;
  readonly perClass: boolean;
}

/** Least overlap with which an unlikely find goes on with a track, as in the paper's code. */
const lowIou = 0.5;

/** Two tracks that overlap by more follow one object. */
const duplicateIou = 0.85;

/** An object that is followed, or may come to be. */
interface Target {
  /** 0 until it is confirmed. */
  id: number;
  readonly filter: BoxFilter;
  /** Where it is expected in the current frame. */
  box: Box;
  last: Detection;
  readonly since: number;
  seen: number;
  hits: number;
  /** Not found in the last frame. */
  lost: boolean;
}

/** What is left to be paired. */
interface Open {
  targets: Target[];
  finds: Detection[];
}

/** How finds are paired with targets. */
interface Rule {
  readonly worth: (overlap: number, find: Detection) => number;
  /** What a pair must be worth. */
  readonly least: number;
  /** By which part of its size a box is grown on each side before it is compared. */
  readonly reach: number;
}

/** ByteTrack for one source. */
export class ByteTracker {
  readonly #settings: ByteTrackerSettings;
  readonly #nextId: () => number;
  #targets: Target[] = [];
  #time: number | undefined;
  readonly #size = new PictureSize();

  constructor(settings: ByteTrackerSettings, nextId: () => number) {
    this.#settings = settings;
    this.#nextId = nextId;
  }

  /** Takes in a frame, and tells which objects are where. */
  update({ objects, time: taken, width, height }: Detections): Track[] {
    const { highScore, lowScore, newScore, minIou, reach, maxLostMs } = this.#settings;
    const first = this.#time === undefined;
    const factors = this.#size.grownTo({ width, height });
    if (factors) for (const { filter } of this.#targets) filter.scale(...factors);
    // A frame that comes late is taken as of now.
    const time = Math.max(taken, this.#time ?? taken);
    this.#targets = this.#targets.filter(({ seen }) => time - seen <= maxLostMs);
    this.#expect(time - (this.#time ?? time));
    this.#time = time;

    const finds = objects.filter(({ box: [x1, y1, x2, y2] }) => x2 > x1 && y2 > y1);
    const [high, low] = [
      finds.filter(({ score }) => score >= highScore),
      finds.filter(({ score }) => score >= lowScore && score < highScore),
    ];
    const [known, fresh] = [this.#targets.filter(({ id }) => id > 0), this.#targets.filter(({ id }) => id === 0)];
    const byScore = (overlap: number, { score }: Detection): number => overlap * score;
    const tracked = new Set(known.filter(({ lost }) => !lost));
    for (const target of known) target.lost = true; // until it is paired
    const one = this.#pair({ targets: known, finds: high }, { least: minIou, worth: byScore, reach: 0 }, time);
    const left = one.targets.filter((target) => tracked.has(target));
    this.#pair({ targets: left, finds: low }, { least: lowIou, worth: (overlap) => overlap, reach: 0 }, time);
    const three = this.#pair({ targets: fresh, finds: one.finds }, { least: minIou, worth: byScore, reach }, time);
    // What was seen once and not again was a false find.
    this.#targets = this.#targets.filter((target) => !three.targets.includes(target));
    for (const find of three.finds) if (find.score >= newScore) this.#targets.push(this.#begin(find, time, first));
    this.#dropDuplicates();
    return this.#targets.flatMap((target) => this.#tell(target, time, width, height));
  }

  #expect(ms: number): void {
    for (const target of this.#targets) {
      if (target.lost) target.filter.stopGrowing();
      target.filter.predict(ms);
      target.box = target.filter.box;
    }
  }

  /** Pairs targets with finds by their overlap, and returns what found no partner. */
  #pair({ targets, finds }: Open, { least, worth, reach }: Rule, time: number): Open {
    const weight = (row: number, column: number): number => {
      const [target, find] = [targets[row], finds[column]];
      if (!target || !find || (this.#settings.perClass && target.last.classId !== find.classId)) return 0;
      return worth(iou(grown(target.box, reach), grown(find.box, reach)), find) - least;
    };
    const rest = new Set(finds);
    const alone: Target[] = [];
    assign(targets.length, finds.length, weight).forEach((column, row) => {
      const [target, find] = [targets[row], finds[column]];
      if (!target) return;
      if (!find) {
        alone.push(target);
        return;
      }
      rest.delete(find);
      this.#find(target, find, time);
    });
    return { targets: alone, finds: [...rest] };
  }

  #find(target: Target, find: Detection, time: number): void {
    target.filter.correct(find.box);
    target.box = target.filter.box;
    target.last = find;
    target.seen = time;
    target.lost = false;
    target.hits++;
    if (target.id === 0 && target.hits >= this.#settings.confirmFrames) target.id = this.#nextId();
  }

  /** What is there in the first frame was there before, and needs no confirmation. */
  #begin(find: Detection, time: number, first: boolean): Target {
    const filter = new BoxFilter(find.box);
    const id = first || this.#settings.confirmFrames === 1 ? this.#nextId() : 0;
    return { id, filter, box: filter.box, last: find, since: time, seen: time, hits: 1, lost: false };
  }

  /** Where a lost object was begun anew beside its old track, the longer one stays. */
  #dropDuplicates(): void {
    const dropped = new Set<Target>();
    const known = this.#targets.filter(({ id }) => id > 0);
    for (const lost of known.filter((target) => target.lost)) {
      for (const found of known) {
        if (found.lost || found.last.classId !== lost.last.classId || iou(lost.box, found.box) <= duplicateIou) continue;
        dropped.add(found.seen - found.since > lost.seen - lost.since ? lost : found);
      }
    }
    if (dropped.size > 0) this.#targets = this.#targets.filter((target) => !dropped.has(target));
  }

  #tell({ id, filter, box, last, since, seen, hits, lost }: Target, time: number, width: number, height: number): Track[] {
    if (id === 0 || (lost && time - seen > this.#settings.coastMs)) return [];
    const [x1, y1, x2, y2] = box;
    const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
    if (lost && !(x >= 0 && x < width && y >= 0 && y < height)) return [];
    const inside: Box = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
    const { label, classId, score } = last;
    return [{ label, classId, score, box: inside, id, ageMs: time - since, hits, found: !lost, velocity: filter.velocity }];
  }
}

function grown([x1, y1, x2, y2]: Box, part: number): Box {
  const [x, y] = [part * (x2 - x1), part * (y2 - y1)];
  return [x1 - x, y1 - y, x2 + x, y2 + y];
}
