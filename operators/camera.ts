import { fromPull } from 'edgeflow';
import type { Observable } from 'rxjs';
import { checkCameraOptions } from './ffmpeg/cameraOptions.js';
import type { CameraOptions } from './ffmpeg/cameraOptions.js';
import { cameraFrames } from './ffmpeg/frames.js';
import type { Frame } from './frame.js';

/**
 * Pictures of a camera or a video, by ffmpeg.
 *
 * ```
 * file, paced      a---b---c---d|      at its own speed; waits for a slow consumer
 * file, unpaced    abcd|               as fast as consumers allow
 * live             a---b---c---d---    the newest when the consumer is ready:
 * slow consumer    a-------c-------
 * ```
 *
 * ffmpeg is a process of its own that scales and converts; one picture is read ahead. It never outlives this process.
 *
 * - **Emits** frames of format `rgb24`, each with bytes of its own; `time` is when the picture came, and never goes back, not
 *   even when the wall clock does; `index` counts the source's pictures from 0, across reconnects and loops, and has a gap
 *   where pictures were passed over. A live source may change the size of its pictures: its frames then have the new one.
 * - **Settles**: a frame's delivery is the demand for the next one.
 * - **Fails** with `SOURCE_MISSING` (no such file or device), `SOURCE_FAILED` (ffmpeg's last words), `FFMPEG_MISSING`.
 *   A live source does not fail: it is connected to again with exponential backoff, unless the server refuses the
 *   credentials or does not know the path before the first picture has come, or `maxAttempts` are used up.
 * - **Completes** at the end of a file.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * camera({ source: 'rtsp://user:secret@10.0.0.7/stream1', width: 640 }).pipe(detectYolo()).subscribe(console.log);
 * ```
 */
export function camera(options: CameraOptions): Observable<Frame> {
  const settings = checkCameraOptions(options);
  return fromPull(({ signal }) => cameraFrames(settings, signal), { concurrency: settings.concurrency });
}
