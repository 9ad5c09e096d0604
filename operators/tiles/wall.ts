import { EdgeFlowError } from 'edgeflow';
import { asyncScheduler } from 'rxjs';
import type { Box } from '../detections.js';
import type { Frame } from '../frame.js';
import { scaledInto } from './scaledInto.js';

/** What one tile of a {@link TiledFrame} shows. */
export interface Tile {
  readonly source: string;
  /** Where, in pixels of the whole picture. */
  readonly box: Box;
  /** Number of the frame that is shown; undefined where none has come yet. */
  readonly index: number | undefined;
  /** When that frame was taken, in milliseconds since the epoch. */
  readonly time: number | undefined;
  /** Whether nothing has come for so long that it is shown gray. */
  readonly stale: boolean;
}

/** Frames of several sources as one. */
export interface TiledFrame extends Frame {
  readonly tiles: readonly Tile[];
}

/** Settings of a {@link Wall}. */
export interface WallSettings {
  readonly sources: readonly string[];
  readonly columns: number;
  readonly width: number;
  readonly aspectRatio: number;
  readonly staleMs: number;
}

/** How bright a stale tile is. */
const staleLight = 0.5;

/** What is known of one tile. */
interface Shown {
  readonly frame: Frame;
  readonly pixels: Uint8Array;
}

/** Tiles, and the picture that they make together. */
export class Wall {
  readonly #settings: WallSettings;
  readonly #tile: { readonly width: number; readonly height: number };
  readonly #size: { readonly width: number; readonly height: number };
  readonly #shown = new Map<string, Shown>();
  /** When a frame of each source came last. */
  readonly #touched = new Map<string, number>();
  #staleBefore = '';
  #index = 0;

  constructor(settings: WallSettings) {
    this.#settings = settings;
    const { sources, columns, aspectRatio } = settings;
    const width = Math.floor(settings.width / columns);
    this.#tile = { width, height: Math.max(1, Math.round(width / aspectRatio)) };
    this.#size = { width: width * columns, height: this.#tile.height * Math.ceil(sources.length / columns) };
  }

  /** @throws EdgeFlowError `FRAME_INVALID` for a source that has no tile. */
  checkSource({ source, index }: Frame): void {
    const { sources } = this.#settings;
    if (!sources.includes(source))
      throw new EdgeFlowError(
        'FRAME_INVALID',
        `frame ${index} of '${source}': tileFrames has no tile for it, only for ${sources.join(', ')}`,
      );
  }

  /** A frame of a source has come. */
  touch(source: string): void {
    this.#touched.set(source, asyncScheduler.now());
  }

  /** Puts a frame into its tile, whole, with black beside it where the shapes differ. */
  async put(frame: Frame): Promise<void> {
    this.#shown.set(frame.source, { frame, pixels: await scaledInto(frame, this.#tile) });
  }

  /** Whether other tiles are stale than in the last picture. */
  hasAged(): boolean {
    return this.#stale().join('\n') !== this.#staleBefore;
  }

  /** The picture as it is now. */
  picture(): TiledFrame {
    const stale = this.#stale();
    this.#staleBefore = stale.join('\n');
    const data = new Uint8Array(this.#size.width * this.#size.height * 3);
    const tiles = this.#settings.sources.map((source, place): Tile => {
      const left = (place % this.#settings.columns) * this.#tile.width;
      const top = Math.floor(place / this.#settings.columns) * this.#tile.height;
      const shown = this.#shown.get(source);
      const isStale = stale.includes(source);
      if (shown) this.#copy(isStale ? gray(shown.pixels) : shown.pixels, data, left, top);
      const box: Box = [left, top, left + this.#tile.width, top + this.#tile.height];
      return { source, box, index: shown?.frame.index, time: shown?.frame.time, stale: isStale };
    });
    const time = Math.max(...tiles.map((tile) => tile.time ?? 0));
    return { data, ...this.#size, format: 'rgb24', time, index: this.#index++, source: 'wall', tiles };
  }

  #stale(): string[] {
    const since = asyncScheduler.now() - this.#settings.staleMs;
    return this.#settings.sources.filter((source) => (this.#touched.get(source) ?? Infinity) <= since);
  }

  #copy(pixels: Uint8Array, to: Uint8Array, left: number, top: number): void {
    const row = this.#tile.width * 3;
    for (let y = 0; y < this.#tile.height; y++) to.set(pixels.subarray(y * row, (y + 1) * row), ((top + y) * this.#size.width + left) * 3);
  }
}

/** Pixels in dark gray (luma of ITU-R BT.601). */
function gray(pixels: Uint8Array): Uint8Array {
  const copy = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3)
    copy.fill(staleLight * (0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0)), at, at + 3);
  return copy;
}
