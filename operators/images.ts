import { basename } from 'node:path';
import { EdgeFlowError, fromPull } from 'edgeflow';
import type { Observable } from 'rxjs';
import { pause } from './ffmpeg/reconnect.js';
import type { Frame } from './frame.js';
import { openImage } from './images/openImage.js';
import { checkImagesOptions } from './images/options.js';
import type { ImagesOptions, ImagesSettings } from './images/options.js';
import { listFiles, parsePattern } from './images/pattern.js';
import { steadyClock } from './steadyClock.js';

/**
 * Still pictures of a folder as frames, in the order of their names.
 *
 * ```
 * files  1.jpg  2.png  3.txt  10.jpg
 *        images('stills/*', { fps: 2 })
 * out    a----b----d|                    3.txt is no picture: skipped, and told of
 * ```
 *
 * @param pattern - a folder, whose pictures are meant; or a path with `*`, `?`, `{a,b}` and, for folders, `**`.
 * @param options - pace, repetition, and what becomes of broken files.
 *
 * - **Emits** `rgb24` frames, turned upright as their EXIF orientation says; `index` counts them from 0, across loops; `time`
 *   is when the file was read.
 * - **Settles**: the next file is read when a frame's delivery has settled.
 * - **Fails** with `SOURCE_MISSING` when there is no such folder or, unless it watches, no such file; with `SOURCE_FAILED`
 *   when it loops over files of which none is a picture; with `broken: 'fail'`, at the first file that is none.
 * - **Completes** after the last file, unless it loops or watches.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * images('archive/door-*.{jpg,png}').pipe(detectYolo())
 * ```
 */
export function images(pattern: string, options: ImagesOptions = {}): Observable<Frame> {
  const settings = checkImagesOptions(pattern, options);
  return fromPull(({ signal }) => pictures(settings, signal), { concurrency: settings.concurrency });
}

async function* pictures(settings: ImagesSettings, signal: AbortSignal): AsyncGenerator<Frame, void> {
  const { fps, loop, watchMs } = settings;
  const pattern = await parsePattern(settings.pattern);
  const name = settings.name ?? basename(pattern.folder);
  const now = steadyClock();
  let index = 0;
  let due = performance.now();
  let known = new Map<string, string>();
  const stopped = (): boolean => signal.aborted;

  while (!stopped()) {
    const files = await listFiles(pattern);
    if (files.length === 0 && watchMs === undefined)
      throw new EdgeFlowError('SOURCE_MISSING', `images: no file in ${pattern.folder} is meant by '${settings.pattern}'`);
    const before = index;
    const seen = new Map<string, string>();
    for (const path of files) {
      const { state, picture } = await openImage(path, known.get(path), settings, signal);
      seen.set(path, state);
      if (picture) {
        await pause(Math.max(0, due - performance.now()), signal);
        due = Math.max(due, performance.now() - 1000 / fps) + 1000 / fps;
        yield { ...picture, format: 'rgb24', time: now(), index: index++, source: typeof name === 'string' ? name : name(path) };
      }
      if (stopped()) return;
    }
    if (loop && index === before)
      throw new EdgeFlowError('SOURCE_FAILED', `images: none of the ${files.length} files of '${settings.pattern}' is a picture`);
    if (watchMs !== undefined) {
      known = seen;
      await pause(watchMs, signal);
    } else if (!loop) return;
  }
}
