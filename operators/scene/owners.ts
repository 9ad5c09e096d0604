import type { Box } from '../detections.js';

/** What one owner put on the canvas. */
export interface Traces {
  /** The smallest box around its shapes, which may reach beyond the canvas; undefined when it drew nothing. */
  readonly bounds: Box | undefined;
  /** Pixels of the canvas it covered when it was drawn. */
  readonly drawn: number;
  /** Pixels of those that nobody has drawn over since. */
  readonly visible: number;
}

/** Who drew each pixel last, and what each owner has drawn. Owner 0 is the background. */
export class Owners {
  readonly #last: Uint16Array;
  #current = 0;
  #drawn: number[] = [0];
  #visible: number[] = [0];
  #bounds: (Box | undefined)[] = [undefined];

  constructor(pixels: number) {
    this.#last = new Uint16Array(pixels);
  }

  /** Forgets everything: all is background. */
  reset(): void {
    this.#last.fill(0);
    this.#current = 0;
    this.#drawn = [0];
    this.#visible = [0];
    this.#bounds = [undefined];
  }

  /** Makes a new owner of what is marked from now on, and returns its number. */
  claim(): number {
    this.#current = this.#drawn.length;
    this.#drawn.push(0);
    this.#visible.push(0);
    this.#bounds.push(undefined);
    return this.#current;
  }

  /** Notes that the current owner's shapes reach over this area, in the picture or not. */
  reach(x1: number, y1: number, x2: number, y2: number): void {
    const old = this.#bounds[this.#current];
    this.#bounds[this.#current] = old
      ? [Math.min(old[0], x1), Math.min(old[1], y1), Math.max(old[2], x2), Math.max(old[3], y2)]
      : [x1, y1, x2, y2];
  }

  /** Gives a pixel to the current owner. */
  mark(pixel: number): void {
    const owner = this.#current;
    const previous = this.#last[pixel] ?? 0;
    if (previous === owner) return;
    this.#last[pixel] = owner;
    this.#visible[previous] = (this.#visible[previous] ?? 0) - 1;
    this.#visible[owner] = (this.#visible[owner] ?? 0) + 1;
    this.#drawn[owner] = (this.#drawn[owner] ?? 0) + 1;
  }

  /** What an owner has in the picture by now. */
  traces(owner: number): Traces {
    return { bounds: this.#bounds[owner], drawn: this.#drawn[owner] ?? 0, visible: this.#visible[owner] ?? 0 };
  }
}
