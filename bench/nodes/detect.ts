import { defineNode } from 'edgeflow';
import { detectYolo } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';

/** Objects in frames. */
export default defineNode<Frame, Detections, { readonly model: string; readonly workers: number }>((frames, { options }) =>
  frames.pipe(detectYolo(options)),
);
