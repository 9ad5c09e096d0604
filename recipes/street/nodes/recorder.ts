import { defineNode } from 'edgeflow';
import { storeBlob } from 'edgeflow/operators';
import type { BlobRef, Frame } from 'edgeflow/operators';
import { tap } from 'rxjs';

/** Options of the demo's recorder. */
export interface DemoRecorderOptions {
  /** Folder that gets a JPEG for each frame. */
  readonly directory: string;
  /** The oldest pictures are removed beyond this many. */
  readonly maxCount: number;
}

export default defineNode<Frame, BlobRef, DemoRecorderOptions>((frames, { options, show }) =>
  frames.pipe(
    storeBlob(options),
    tap(({ path, bytes }) => {
      show(`${path}, ${Math.round(bytes / 1000)} kB`);
    }),
  ),
);
