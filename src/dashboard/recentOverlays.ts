import type { Overlay } from './wire.js';

/** Frames of a source that are remembered, a second or two of a detector. */
const remembered = 16;
/** What was found longer before or after is no longer told of a picture: whoever found it may be down. */
const mostApartMs = 5_000;

interface Found {
  readonly overlay: Overlay;
  readonly time: number;
}

/**
 * What a node found in the last frames of one source. A picture is encoded and sent while newer frames are looked through, and
 * a detector skips frames: the boxes that fit it best are those of its own frame, or of the one nearest to it.
 */
export class RecentOverlays {
  readonly #found: Found[] = [];

  /** @param time - when it was published, in milliseconds since the epoch. */
  add(overlay: Overlay, time: number): void {
    this.#found.push({ overlay, time });
    if (this.#found.length > remembered) this.#found.shift();
  }

  /** @param index - the number of the picture's frame; where there is none, the newest is taken. */
  nearest(index: number | undefined, time: number): Overlay | undefined {
    let best: Overlay | undefined;
    const distance = (overlay: Overlay): number => (index === undefined ? 0 : Math.abs(overlay.index - index));
    for (const found of this.#found)
      if (Math.abs(found.time - time) <= mostApartMs && (!best || distance(found.overlay) <= distance(best))) best = found.overlay;
    return best;
  }
}
