import { EdgeFlowError, emitTogether, leasingOperator, longestTimerMs } from 'edgeflow';
import type { Lease } from 'edgeflow';
import { interval } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { checkNeeded, checkRange, checkSpan } from './checks.js';
import { checkFrame, maxFrameSide } from './frame.js';
import type { Frame } from './frame.js';
import { Wall } from './tiles/wall.js';
import type { TiledFrame } from './tiles/wall.js';

/** Options of {@link tileFrames}. */
export interface TileFramesOptions {
  /** Names of the frames' sources, in the order of their tiles: from left to right, then down. */
  readonly sources: readonly string[];
  /** Tiles side by side. @defaultValue as many as make the wall about square */
  readonly columns?: number;
  /** Width of the whole picture, in pixels; the rest of a division by `columns` is left out. @defaultValue 1280 */
  readonly width?: number;
  /** Width of a tile by its height. @defaultValue 16 / 9 */
  readonly aspectRatio?: number;
  /** A tile becomes gray when its source gave nothing for so long, in milliseconds. @defaultValue 5000 */
  readonly staleMs?: number;
}

/** A frame that waits to be shown, or is being drawn. */
interface Waiting {
  readonly frame: Frame;
  readonly lease: Lease;
}

/** How often it is looked for tiles that have become stale, in each `staleMs`. */
const looks = 4;

/**
 * Composes the newest frames of several sources to one picture, each in a tile of its own.
 *
 * ```
 * in   --a0--b0----a1-a2-------a3--
 *      tileFrames({ sources: ['a', 'b'], staleMs: 5_000 })
 * out  --[a0 –]-[a0 b0]-[a2 b0]-…--[a3 b0 gray]-
 * ```
 *
 * One picture is drawn at a time; of the frames that come meanwhile, the newest of each source is in the next. So no source
 * waits for another, and a wall that is read slowly shows what is newest then. A source that gave no frame for `staleMs` is
 * shown gray and dark, one that never gave any black.
 *
 * - **Emits** `rgb24` frames with, in `tiles`, what each tile shows; also when a tile becomes stale.
 * - **Settles** the deliveries of the frames that are new in a picture together, when it has been dealt with downstream; a
 *   frame that a newer one of its source replaces, at once.
 * - **Fails** the delivery of a frame that does not hold what it says (`FRAME_INVALID`, `IMAGE_INVALID`) or whose source has no
 *   tile (`FRAME_INVALID`); its tile stays as it was.
 * - **Completes** with the source, after the last picture.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * cameras({ door, yard }).pipe(tileFrames({ sources: ['door', 'yard'] }), serveMjpeg())
 * ```
 */
export function tileFrames(options: TileFramesOptions): OperatorFunction<Frame, TiledFrame> {
  const { sources, width = 1280, aspectRatio = 16 / 9, staleMs = 5_000 } = options;
  checkNeeded('tileFrames', 'sources', sources, Array.isArray(sources), 'a list of names');
  const columns = options.columns ?? Math.ceil(Math.sqrt(sources.length));
  const check = (name: string, found: unknown, fine: boolean, expected: string): void => {
    if (!fine) throw new EdgeFlowError('OPTIONS_INVALID', `tileFrames: ${name} is ${JSON.stringify(found)}; expected ${expected}`);
  };
  check('sources', sources, sources.length > 0 && new Set(sources).size === sources.length, 'at least one name, and none twice');
  check('columns', columns, Number.isInteger(columns) && columns >= 1, 'a whole number of at least 1');
  check(
    'width',
    width,
    Number.isInteger(width) && width >= columns && width <= maxFrameSide,
    `a whole number from ${columns} to ${maxFrameSide}`,
  );
  checkRange('tileFrames', 'aspectRatio', aspectRatio, 0.1, 10);
  checkSpan('tileFrames', 'staleMs', staleMs);

  return leasingOperator<Frame, TiledFrame>('tileFrames', (output) => {
    const wall = new Wall({ sources, columns, width, aspectRatio, staleMs });
    const waiting = new Map<string, Waiting>();
    let busy = false;
    let sourceDone = false;

    const draw = async (shown: readonly Waiting[]): Promise<void> => {
      busy = true;
      const drawn: Lease[] = [];
      for (const { frame, lease } of shown) {
        try {
          await wall.put(frame);
          drawn.push(lease);
        } catch (error) {
          if (!output.closed) lease.fail(error);
        }
        if (output.closed) return;
      }
      if (drawn.length > 0) emitTogether(output, wall.picture(), drawn);
      busy = false;
      drawNext();
    };
    const drawNext = (): void => {
      if (busy || output.closed) return;
      if (waiting.size === 0) {
        if (sourceDone) output.complete();
        return;
      }
      const shown = [...waiting.values()];
      waiting.clear();
      void draw(shown);
    };
    const looking = interval(Math.min(staleMs / looks, longestTimerMs)).subscribe(() => {
      if (!busy && wall.hasAged()) emitTogether(output, wall.picture(), []);
    });

    return {
      next: (frame, lease) => {
        try {
          checkFrame(frame);
          wall.checkSource(frame);
        } catch (error) {
          lease.fail(error);
          return;
        }
        wall.touch(frame.source);
        waiting.get(frame.source)?.lease.release();
        waiting.set(frame.source, { frame, lease });
        drawNext();
      },
      complete: () => {
        sourceDone = true;
        drawNext();
      },
      teardown: () => {
        looking.unsubscribe();
      },
    };
  });
}
