import { EdgeFlowError } from 'edgeflow';
import type { Box } from '../detections.js';

/** A box to draw; a `Detection` is one. */
export interface MarkedBox {
  readonly box: Box;
  readonly label?: string;
  /** From 0 to 1. */
  readonly score?: number;
  /** Which thing it is, if that is known. What has the same identity has the same colour in every frame. */
  readonly track?: number | string;
}

/** A line through points in pixels, such as the way that a thing has come. */
export interface MarkedPath {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly label?: string;
  readonly track?: number | string;
}

/** A closed polygon in pixels, such as a zone in which things are counted. */
export interface MarkedZone {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly label?: string;
}

/** What is drawn into one frame. */
export interface Marks {
  readonly boxes: readonly MarkedBox[];
  readonly paths: readonly MarkedPath[];
  readonly zones: readonly MarkedZone[];
  readonly title: string;
}

/**
 * Makes sure that points can be drawn.
 *
 * @throws EdgeFlowError `BOX_INVALID`
 */
export function checkPoints(points: MarkedPath['points']): void {
  const wrong = points.find((point: readonly number[]) => !(point.length === 2 && point.every(Number.isFinite)));
  if (wrong) throw new EdgeFlowError('BOX_INVALID', `annotate: a point is [${wrong.join(', ')}]; expected [x, y] in pixels, both finite`);
}
