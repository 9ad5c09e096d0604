import { mapAsync } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkFunction } from './checks.js';
import type { MarkedBox, MarkedPath, MarkedZone } from './annotate/marks.js';
import { Overlay } from './annotate/svg.js';
import type { Frame } from './frame.js';
import { guard, openFrame } from './picture.js';
import { rawFrame } from './pictures/rawFrame.js';

/** Options of {@link annotate}. */
export interface AnnotateOptions<T> {
  /** The picture of a value. */
  readonly frame: (value: T) => Frame;
  /** Boxes with their labels, scores and identities; detections are such. @defaultValue none */
  readonly boxes?: (value: T) => readonly MarkedBox[];
  /** Lines, such as the ways of tracks. @defaultValue none */
  readonly paths?: (value: T) => readonly MarkedPath[];
  /** Closed polygons, the same in each frame or those of a value. @defaultValue none */
  readonly zones?: readonly MarkedZone[] | ((value: T) => readonly MarkedZone[]);
  /** A text in the upper left corner. @defaultValue none */
  readonly title?: (value: T) => string;
  /** Frames drawn into at once. @defaultValue 1 */
  readonly concurrency?: number;
}

/**
 * Draws boxes, labels, ways and zones into frames: for files that people look at.
 *
 * ```
 * in   --{frame, objects}---{frame, objects}--|
 *      annotate({ frame, boxes })
 * out  -----drawn frame--------drawn frame----|
 * ```
 *
 * Lines and letters grow with the picture; colours follow the identity of a box, else its label. Where a browser shows the
 * frames, let the browser draw: it costs this process nothing.
 *
 * - **Emits** one `rgb24` frame for each value, in order, with bytes of its own.
 * - **Settles** a delivery when its frame has been dealt with downstream.
 * - **Fails** the delivery with `BOX_INVALID` for a box or a point that is none (NaN, infinite, upside down), with
 *   `FRAME_INVALID` or `IMAGE_INVALID` when the frame does not hold what it says.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a concurrency below 1.
 * @example
 * ```ts
 * motion.pipe(annotate({ frame: ({ frame }) => frame, boxes: ({ boxes }) => boxes.map((box) => ({ box })) }), storeBlob({ directory: 'seen' }))
 * ```
 */
export function annotate<T>(options: AnnotateOptions<T>): OperatorFunction<T, Frame> {
  const { frame: frameOf, boxes, paths, zones = [], title, concurrency = 1 } = options;
  checkFunction('annotate', 'frame', frameOf);
  return mapAsync(
    async (value): Promise<Frame> => {
      const frame = await rawFrame(frameOf(value));
      const svg = new Overlay(frame.width, frame.height).draw({
        boxes: boxes?.(value) ?? [],
        paths: paths?.(value) ?? [],
        zones: typeof zones === 'function' ? zones(value) : zones,
        title: title?.(value) ?? '',
      });
      const picture = (await openFrame(frame)).toColourspace('srgb').composite([{ input: Buffer.from(svg) }]);
      const data = await guard(`frame ${frame.index} of '${frame.source}'`, () => picture.removeAlpha().raw().toBuffer());
      return { ...frame, data, format: 'rgb24' };
    },
    { concurrency },
  );
}
