import { Idle } from '../streams/idle.js';
import { PreRoll } from './preRoll.js';
import { Segment } from './segment.js';
import type { HeldFrame, SegmentContext } from './segment.js';

/** Options of a {@link Recording}. */
export interface RecordingOptions {
  readonly segmentMs: number;
  /** Undefined records everything. */
  readonly events: { readonly preRollMs: number; readonly postRollMs: number; readonly maxPreRollBytes: number } | undefined;
  readonly fps: number;
  readonly idleMs: number;
}

/** What is recorded of one source: one clip after the other. */
export class Recording {
  readonly #context: SegmentContext;
  readonly #options: RecordingOptions;
  readonly #preRoll: PreRoll;
  readonly #open = new Set<Segment>();
  readonly #fail: (error: unknown) => void;
  #segment: Segment | undefined;
  /** Resolves when all clips before the next one are in their places. */
  #earlier: Promise<void> = Promise.resolve();
  readonly #idle: Idle;
  readonly #quiet: Idle;
  /** Frames up to this time are recorded. */
  #until = -Infinity;
  #triggered = false;
  #lastTime = -Infinity;

  /** @param fail - told when nothing can be recorded at all. */
  constructor(context: SegmentContext, options: RecordingOptions, fail: (error: unknown) => void) {
    this.#context = context;
    this.#options = options;
    this.#fail = fail;
    const { preRollMs = 0, maxPreRollBytes = 0 } = options.events ?? {};
    this.#preRoll = new PreRoll(preRollMs, maxPreRollBytes);
    this.#idle = new Idle(options.idleMs, () => this.endSegment());
    this.#quiet = new Idle(Math.max(options.idleMs, preRollMs), () => this.#release());
  }

  /** An event that is not a frame's: the next frame counts for it. */
  trigger(): void {
    this.#triggered = true;
  }

  next(held: HeldFrame, event: boolean): void {
    const { fps, events } = this.#options;
    const { time } = held.frame;
    const tooSoon = time >= this.#lastTime && time - this.#lastTime < 1000 / fps - 1;
    if (tooSoon && !event) {
      held.lease.release();
      return;
    }
    this.#lastTime = time;
    if (!events) {
      this.#record(held);
      return;
    }
    if (event || this.#triggered) this.#until = time + events.postRollMs;
    this.#triggered = false;
    if (time <= this.#until) {
      for (const earlier of this.#preRoll.take(time)) this.#record(earlier);
      this.#record(held);
    } else {
      this.endSegment();
      this.#preRoll.push(held);
      // Without more input these would be open for ever, and a System whose sources have ended would wait for them. What comes
      // after so long is too late for them anyway.
      this.#quiet.touch();
    }
  }

  /** Resolves when all clips are in their places. */
  async end(): Promise<void> {
    this.stop();
    this.#release();
    await Promise.all([...this.#open].map(({ done }) => done));
  }

  /** Ends the current clip; what is held for the next is left open. */
  stop(): void {
    this.#quiet.stop();
    this.endSegment();
  }

  /** Ends the current clip; the next frame begins another. */
  endSegment(): void {
    this.#idle.stop();
    this.#segment?.end();
    this.#segment = undefined;
  }

  /** Nothing will happen that the frames which are held could be recorded for. */
  #release(): void {
    for (const { lease } of this.#preRoll.take(this.#lastTime)) lease.release();
  }

  #record(held: HeldFrame): void {
    const { segmentMs } = this.#options;
    const { frame } = held;
    if (this.#segment && !(this.#segment.fits(frame) && frame.time - this.#segment.startedAt < segmentMs)) this.endSegment();
    this.#segment ??= this.#begin(held);
    this.#segment.write(held);
    // Without more input the last pictures would wait in ffmpeg, and their deliveries with them.
    this.#idle.touch();
  }

  #begin({ frame }: HeldFrame): Segment {
    const segment = new Segment(this.#context, frame, this.#earlier);
    this.#earlier = segment.done;
    this.#open.add(segment);
    segment.done.then(() => this.#open.delete(segment), this.#fail);
    return segment;
  }
}
