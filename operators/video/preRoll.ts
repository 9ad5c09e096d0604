import type { HeldFrame } from './segment.js';

/** The last frames before an event, whose deliveries stay open until it is known whether they are recorded. */
export class PreRoll {
  readonly #longestMs: number;
  readonly #maxBytes: number;
  #held: HeldFrame[] = [];
  #bytes = 0;

  constructor(longestMs: number, maxBytes: number) {
    this.#longestMs = longestMs;
    this.#maxBytes = maxBytes;
  }

  /** Keeps a frame, and lets those go that are too old or too much. */
  push(held: HeldFrame): void {
    held.lease.park();
    this.#held.push(held);
    this.#bytes += held.frame.data.length;
    this.#letGo(held.frame.time);
  }

  /** Those that are wanted for an event at this time. */
  take(time: number): HeldFrame[] {
    this.#letGo(time);
    const held = this.#held;
    this.#held = [];
    this.#bytes = 0;
    return held;
  }

  #letGo(time: number): void {
    let count = 0;
    for (const { frame } of this.#held) {
      // One that is newer is of an earlier delivery: times went back.
      if (frame.time >= time - this.#longestMs && frame.time <= time && this.#bytes <= this.#maxBytes) break;
      this.#bytes -= frame.data.length;
      count++;
    }
    for (const { lease } of this.#held.splice(0, count)) lease.release();
  }
}
