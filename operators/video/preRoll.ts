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
    const oldest = held.frame.time - this.#longestMs;
    let count = 0;
    for (const { frame } of this.#held) {
      // One that is newer than the last is of an earlier delivery: times went back.
      if (frame.time >= oldest && frame.time <= held.frame.time && this.#bytes <= this.#maxBytes) break;
      this.#bytes -= frame.data.length;
      count++;
    }
    for (const { lease } of this.#held.splice(0, count)) lease.release();
  }

  /** All of them, for recording. */
  take(): HeldFrame[] {
    const held = this.#held;
    this.#held = [];
    this.#bytes = 0;
    return held;
  }
}
