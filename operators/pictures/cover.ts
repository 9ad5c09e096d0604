import type { PixelArea } from './boxes.js';
import { channelsOf } from './rawFrame.js';
import type { RawFrame } from './rawFrame.js';

/** How what is to be hidden is covered. */
export type CoverStyle = 'mosaic' | 'smooth' | 'fill';

/** The smallest cell: of a small box less is left than `cells` would have it. */
const leastCell = 8;

/** Covers an area of `pixels`, which belong to `frame` in all but their bytes, so that nothing but its cells' means is left. */
export function cover(pixels: Uint8Array, frame: RawFrame, area: PixelArea, style: CoverStyle, cells: number): void {
  const channels = channelsOf(frame);
  const stride = frame.width * channels;
  const { left, top, right, bottom } = area;
  if (style === 'fill') {
    for (let y = top; y < bottom; y++) pixels.fill(0, y * stride + left * channels, y * stride + right * channels);
    return;
  }
  const cell = Math.max(leastCell, Math.ceil(Math.max(right - left, bottom - top) / cells));
  const columns = mixtures(right - left, cell, style);
  const rows = mixtures(bottom - top, cell, style);
  const means = meansOf(pixels, frame, area, cell);
  const rowLength = means.columns * channels;
  // One row of cells, mixed of the two that a line lies between.
  const line = new Float32Array(rowLength);
  rows.forEach(({ first, second, share }, y) => {
    for (let at = 0; at < rowLength; at++) {
      const upper = means.values[first * rowLength + at] ?? 0;
      line[at] = upper + share * ((means.values[second * rowLength + at] ?? 0) - upper);
    }
    let at = (top + y) * stride + left * channels;
    for (const { first: before, second: after, share: part } of columns) {
      for (let channel = 0; channel < channels; channel++) {
        const value = line[before * channels + channel] ?? 0;
        pixels[at++] = value + part * ((line[after * channels + channel] ?? 0) - value) + 0.5;
      }
    }
  });
}

/** Of which two cells a pixel is mixed, and the share of the second. */
interface Mixture {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** For each pixel along a side: the cell that it lies in, or the two between whose middles it lies. */
function mixtures(length: number, cell: number, style: CoverStyle): Mixture[] {
  const last = Math.ceil(length / cell) - 1;
  return Array.from({ length }, (_, pixel) => {
    const own = Math.floor(pixel / cell);
    if (style === 'mosaic') return { first: own, second: own, share: 0 };
    const at = Math.min(last, Math.max(0, (pixel + 0.5) / cell - 0.5));
    const first = Math.floor(at);
    return { first, second: Math.min(last, first + 1), share: at - first };
  });
}

/** The means of an area's cells, row by row, rounded to whole numbers: no digit tells more. */
function meansOf(pixels: Uint8Array, frame: RawFrame, { left, top, right, bottom }: PixelArea, cell: number) {
  const channels = channelsOf(frame);
  const columns = Math.ceil((right - left) / cell);
  const rows = Math.ceil((bottom - top) / cell);
  const values = new Float64Array(columns * rows * channels);
  for (let y = top; y < bottom; y++) {
    const row = Math.floor((y - top) / cell) * columns;
    let at = (y * frame.width + left) * channels;
    for (let column = 0; column < columns; column++) {
      const cellEnd = (y * frame.width + Math.min(right, left + (column + 1) * cell)) * channels;
      const to = (row + column) * channels;
      for (; at < cellEnd; at += channels) {
        for (let channel = 0; channel < channels; channel++)
          values[to + channel] = (values[to + channel] ?? 0) + (pixels[at + channel] ?? 0);
      }
    }
  }
  for (let at = 0; at < values.length; at++) {
    const column = Math.floor(at / channels) % columns;
    const row = Math.floor(at / channels / columns);
    const wide = Math.min(cell, right - left - column * cell);
    const high = Math.min(cell, bottom - top - row * cell);
    values[at] = Math.round((values[at] ?? 0) / (wide * high));
  }
  return { values, columns };
}
