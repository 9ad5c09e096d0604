import type { AtLine, Crossing, LineTotals } from '../countLine.js';
import type { Track, Tracks } from '../tracks.js';
import type { Point } from './point.js';
import { distanceFrom, passedAt } from './segment.js';

/** The line in a frame, in pixels. */
interface Line {
  readonly ends: readonly [Point, Point];
  readonly band: number;
  readonly time: number;
}

interface Walker {
  seen: number;
  /** Where it was last, and on which side of the line: 1 on the right hand, -1 on the left. */
  point: Point;
  side: number;
  /** The side on which it was last beyond the band; 0 before it was. */
  settled: number;
  /** Whether it last changed sides between the ends of the line. */
  between: boolean;
}

/** Who passed a line of one source. */
export class LineCrossings {
  readonly #lostMs: number;
  readonly #walkers = new Map<number, Walker>();
  readonly #counts = new Map<string, { in: number; out: number }>();

  constructor(lostMs: number) {
    this.#lostMs = lostMs;
  }

  /** Takes in where an object is. A frame that comes late changes nothing. */
  see({ id, label }: Pick<Track, 'id' | 'label'>, point: Point, { ends: [a, b], band, time }: Line): Crossing[] {
    const distance = distanceFrom(a, b, point);
    const walker = this.#walkers.get(id) ?? { seen: -Infinity, point, side: Math.sign(distance), settled: 0, between: false };
    if (time <= walker.seen) return [];
    this.#walkers.set(id, walker);
    walker.seen = time;
    // On the line it is still where it came from.
    const side = Math.sign(distance) || walker.side;
    if (side !== walker.side && walker.side !== 0) {
      const at = passedAt(a, b, walker.point, point);
      walker.between = at >= 0 && at <= 1;
    }
    walker.side = side;
    walker.point = point;
    if (Math.abs(distance) <= band) return [];
    const before = walker.settled;
    walker.settled = side;
    if (before === 0 || before === side || !walker.between) return [];
    const direction = side > 0 ? 'in' : 'out';
    this.#count(label, direction);
    return [{ id, label, direction, time }];
  }

  /** The pictures have become larger or smaller by these factors. */
  scale(x: number, y: number): void {
    for (const walker of this.#walkers.values()) walker.point = [walker.point[0] * x, walker.point[1] * y];
  }

  /** Forgets objects that have not been seen for too long. */
  forget(time: number): void {
    for (const [id, { seen }] of this.#walkers) if (time - seen > this.#lostMs) this.#walkers.delete(id);
  }

  /** The totals so far. */
  totals(): AtLine<Tracks>['totals'] {
    const byLabel: Record<string, LineTotals> = {};
    const all = { in: 0, out: 0 };
    for (const [label, counts] of this.#counts) {
      byLabel[label] = { ...counts };
      all.in += counts.in;
      all.out += counts.out;
    }
    return { ...all, byLabel };
  }

  #count(label: string, direction: 'in' | 'out'): void {
    const counts = this.#counts.get(label) ?? { in: 0, out: 0 };
    counts[direction]++;
    this.#counts.set(label, counts);
  }
}
