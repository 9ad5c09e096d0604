/** What a block of an arena is: free, the first one of a payload, or a further one. */
const free = 0;
const first = 1;
const further = 2;

/** Which blocks of an arena are taken, a byte each. */
export class BlockMap {
  readonly states: Uint8Array;

  constructor(states: Uint8Array) {
    this.states = states;
  }

  /** Takes neighbouring blocks, the first ones that are free; undefined where there are not as many. */
  take(count: number): number | undefined {
    for (let start = this.states.indexOf(free); start >= 0;) {
      const last = start + count;
      if (last > this.states.length) return undefined;
      const taken = this.#nextTaken(start + 1, last);
      if (taken === last) {
        this.states.fill(further, start, last);
        this.states[start] = first;
        return start;
      }
      start = this.states.indexOf(free, taken);
    }
    return undefined;
  }

  /** Frees the blocks of the payload that begins here. */
  release(start: number): void {
    let end = start + 1;
    while (this.states[end] === further) end++;
    this.states.fill(free, start, end);
  }

  /** Whether a payload begins at a block. */
  begins(block: number): boolean {
    return this.states[block] === first;
  }

  /** Blocks at which payloads begin. */
  *beginnings(): Generator<number> {
    for (let block = this.states.indexOf(first); block >= 0; block = this.states.indexOf(first, block + 1)) yield block;
  }

  /** The next block from `start` on that is taken, or `end`. */
  #nextTaken(start: number, end: number): number {
    // Two native searches are faster than a loop over the thousands of blocks that a frame has.
    const part = this.states.subarray(start, end);
    const found = [part.indexOf(first), part.indexOf(further)].filter((index) => index >= 0);
    return found.length > 0 ? start + Math.min(...found) : end;
  }
}
