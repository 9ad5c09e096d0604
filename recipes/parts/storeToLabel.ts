import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapAsync } from 'edgeflow';
import { sidecarOf, storeBlob } from 'edgeflow/operators';
import type { BlobRef, Detections, Frame, StoreBlobOptions } from 'edgeflow/operators';
import { pipe } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { withResult } from './withResult.js';

/** A frame with what a model found in it. */
export interface SeenFrame extends Frame {
  readonly found: Detections;
}

/** What lies beside a stored picture: labels to be confirmed or mended by somebody. */
export interface Proposal extends Detections {
  /** Path of the picture, below the folder. */
  readonly picture: string;
}

/**
 * Stores each frame, and a JSON file of its labels with the same name beside it, which goes with its picture when that gives way to
 * newer ones. A frame that is delivered again replaces its own files.
 */
export function storeToLabel(options: StoreBlobOptions): OperatorFunction<SeenFrame, Proposal> {
  return pipe(
    withResult<SeenFrame, BlobRef>(storeBlob(options)),
    mapAsync(async ({ value: { found }, result: { path } }) => {
      const proposal = { picture: path, ...found };
      await label(join(options.directory, path), proposal);
      return proposal;
    }),
  );
}

/** Under a narrow limit, a picture may have given way to newer ones before its labels are written: then there are none. */
async function label(picture: string, proposal: Proposal): Promise<void> {
  const labels = sidecarOf(picture);
  try {
    await writeFile(labels, JSON.stringify(proposal, undefined, 2));
    await access(picture);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    await rm(labels, { force: true });
  }
}
