import { defineNode } from 'edgeflow';
import type { Frame } from 'edgeflow/operators';
import { map } from 'rxjs';

/** Takes frames, and makes something small of them. */
export default defineNode<Frame, number>((frames) => frames.pipe(map(({ width }) => width)));
