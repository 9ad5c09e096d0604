import { readFile, stat } from 'node:fs/promises';
import { EdgeFlowError } from 'edgeflow';
import { decodeBytes } from '../picture.js';
import type { ImagesSettings } from './options.js';

/** A file that has been looked at. */
export interface OpenedImage {
  /** `shown`, or the state of a file that is no picture: it may become one. */
  readonly state: string;
  readonly picture?: Awaited<ReturnType<typeof decodeBytes>>;
}

/**
 * The picture of a file, unless it has been shown, or is as it was when it was found broken.
 *
 * @param last - its state when it was last looked at.
 * @throws EdgeFlowError `IMAGE_INVALID`, and what the file system says, unless broken files are skipped.
 */
export async function openImage(
  path: string,
  last: string | undefined,
  settings: ImagesSettings,
  signal: AbortSignal,
): Promise<OpenedImage> {
  if (last === 'shown') return { state: last };
  let state = '';
  try {
    const { size, mtimeMs } = await stat(path);
    state = `${size} ${mtimeMs}`;
    if (state === last) return { state };
    if (size > settings.maxBytes)
      throw new EdgeFlowError('IMAGE_INVALID', `${path} has ${size} bytes; expected at most ${settings.maxBytes}: see maxBytes`);
    return { state: 'shown', picture: await decodeBytes(await readFile(path, { signal })) };
  } catch (error) {
    if (signal.aborted) return { state };
    if (settings.broken === 'fail') throw error;
    settings.onSkip({ path, error });
    return { state };
  }
}
