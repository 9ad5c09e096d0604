import { defineNode } from 'edgeflow';
import { detectYolo } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';
import { tap } from 'rxjs';

/** Options of the demo's detector. */
export interface DemoYoloOptions {
  /** Path or name of a YOLO model. */
  readonly model: string;
  /** Least score of what is reported. */
  readonly scoreThreshold: number;
}

export default defineNode<Frame, Detections, DemoYoloOptions>((frames, { options: { model, scoreThreshold }, show }) =>
  frames.pipe(
    detectYolo({ model, scoreThreshold }),
    tap(({ objects }) => {
      show(objects.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(', ') || 'nothing found');
    }),
  ),
);
