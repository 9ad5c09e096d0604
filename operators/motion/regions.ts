import type { Box } from '../detections.js';

/** Neighbouring pixels that are set, as one. */
export interface Region {
  readonly box: Box;
  /** Pixels that are set. */
  readonly area: number;
}

/** A mask without what has fewer than three neighbours: single pixels are noise. */
export function withoutSpecks(mask: Uint8Array, width: number, height: number): Uint8Array {
  const kept = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue;
      let neighbours = -1;
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) neighbours += mask[v * width + u] ?? 0;
      }
      if (neighbours >= 3) kept[y * width + x] = 1;
    }
  }
  return kept;
}

/**
 * The connected regions of a mask, with what is not farther than `reach` pixels from them: the parts of one thing are often
 * apart, where it looks like what is behind it.
 */
export function regionsOf(mask: Uint8Array, width: number, height: number, reach: number): Region[] {
  const left = mask.slice();
  const regions: Region[] = [];
  const stack: number[] = [];
  for (let start = 0; start < left.length; start++) {
    if (left[start] === 0) continue;
    let [x1, y1, x2, y2, area] = [width, height, 0, 0, 0];
    left[start] = 0;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      area++;
      [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
      for (let v = Math.max(0, y - reach); v <= Math.min(height - 1, y + reach); v++) {
        for (let u = Math.max(0, x - reach); u <= Math.min(width - 1, x + reach); u++) {
          if (left[v * width + u] === 0) continue;
          left[v * width + u] = 0;
          stack.push(v * width + u);
        }
      }
    }
    regions.push({ box: [x1, y1, x2, y2], area });
  }
  return regions;
}
