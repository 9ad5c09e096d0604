/** Why a value found no partners: too old on arrival, none near enough, or pushed out by the bound. */
export type UnmatchedReason = 'late' | 'unmatched' | 'full';

/** A value of one input at its time. */
export interface Timed<V> {
  readonly lane: number;
  readonly time: number;
  readonly value: V;
}

export interface AlignerOptions<V> {
  readonly lanes: number;
  readonly toleranceMs: number;
  readonly latenessMs: number;
  readonly maxPending: number;
  /** Gets one entry of each lane. */
  readonly onMatch: (entries: readonly Timed<V>[]) => void;
  readonly onUnmatched: (entry: Timed<V>, reason: UnmatchedReason) => void;
}

interface Lane<V> {
  /** By time, the oldest first. */
  readonly queue: Timed<V>[];
  newest: number;
  /** Nothing more is expected: ended, or silent for too long. */
  quiet: boolean;
}

/**
 * Finds values of several lanes that belong together by their times. It decides only what no later arrival could change, so
 * that the result depends on the times, and not on which lane was faster.
 */
export class TimeAligner<V> {
  readonly #options: AlignerOptions<V>;
  readonly #lanes: readonly Lane<V>[];

  constructor(options: AlignerOptions<V>) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.lanes }, () => ({ queue: [], newest: -Infinity, quiet: false }));
  }

  push(entry: Timed<V>): void {
    const { onUnmatched, latenessMs, maxPending } = this.#options;
    const lane = this.#lanes[entry.lane];
    if (!lane) return;
    lane.quiet = false;
    if (entry.time < lane.newest - latenessMs) {
      onUnmatched(entry, 'late');
      return;
    }
    lane.newest = Math.max(lane.newest, entry.time);
    const place = lane.queue.findLastIndex(({ time }) => time <= entry.time);
    lane.queue.splice(place + 1, 0, entry);
    this.#decide();
    if (lane.queue.length > maxPending) this.#drop(lane, 'full');
  }

  /** Nothing more comes from a lane, or, without a lane, from any, until the next value does. */
  quiet(lane?: number): void {
    for (const [index, each] of this.#lanes.entries()) if (lane === undefined || lane === index) each.quiet = true;
    this.#decide();
  }

  #decide(): void {
    while (this.#step());
  }

  /** @returns whether something was decided. */
  #step(): boolean {
    const empty = this.#lanes.filter(({ queue }) => queue.length === 0);
    if (empty.length > 0) return this.#dropBefore(Math.min(...empty.map((lane) => this.#watermark(lane))) - this.#options.toleranceMs);
    // An older one may still come.
    if (this.#lanes.some((lane) => headOf(lane) > this.#watermark(lane))) return false;

    const [first, second] = this.#lanes.toSorted((a, b) => headOf(a) - headOf(b));
    if (!first) return false;
    const oldest = headOf(first);
    const newest = Math.max(...this.#lanes.map(headOf));
    if (newest - oldest > this.#options.toleranceMs) return this.#drop(first, 'unmatched');
    if (newest > oldest && second) {
      // From here on, the next of the same lane would not be nearer to the others.
      const noNearer = newest - oldest + headOf(second);
      const next = first.queue[1]?.time ?? Infinity;
      if (next < noNearer && next <= this.#watermark(first)) return this.#drop(first, 'unmatched');
      if (this.#watermark(first) < noNearer && next > this.#watermark(first)) return false;
    }
    this.#options.onMatch(this.#lanes.flatMap(({ queue }) => queue.shift() ?? []));
    return true;
  }

  /** No value before this is to come from a lane. */
  #watermark({ newest, quiet }: Lane<V>): number {
    return quiet ? Infinity : newest - this.#options.latenessMs;
  }

  #drop({ queue }: Lane<V>, reason: UnmatchedReason): boolean {
    const entry = queue.shift();
    if (entry) this.#options.onUnmatched(entry, reason);
    return entry !== undefined;
  }

  #dropBefore(time: number): boolean {
    const lane = this.#lanes.find((each) => headOf(each) < time);
    return lane !== undefined && this.#drop(lane, 'unmatched');
  }
}

function headOf<V>({ queue }: Lane<V>): number {
  return queue[0]?.time ?? Infinity;
}
