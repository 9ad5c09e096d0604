import { fromPull } from 'edgeflow';
import type { Observable } from 'rxjs';
import { checkCameraOptions } from './ffmpeg/cameraOptions.js';
import type { CameraOptions, CameraSettings } from './ffmpeg/cameraOptions.js';
import { locateFfmpeg } from './ffmpeg/locate.js';
import { play, sourceFailed } from './ffmpeg/play.js';
import type { RunEnd } from './ffmpeg/play.js';
import { Backoff, pause } from './ffmpeg/reconnect.js';
import { checkSourceExists } from './ffmpeg/source.js';
import type { Frame } from './frame.js';

/**
 * A server's answers that mean a mistake in the url. Refused credentials stay refused, and repeating them locks accounts;
 * what was never found is most likely misspelt.
 */
const refused = /\b(401 Unauthorized|403 Forbidden|authorization failed|404 Not Found)\b/i;

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
 * - **Emits** frames of format `rgb24`, each with bytes of its own; `time` is when the picture came, `index` counts the
 *   source's pictures from 0, across reconnects and loops, and has a gap where pictures were passed over.
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
  return fromPull(({ signal }) => frames(settings, signal), { concurrency: settings.concurrency });
}

async function* frames(settings: CameraSettings, signal: AbortSignal): AsyncGenerator<Frame, void> {
  const { source, onEvent } = settings;
  await checkSourceExists(source);
  const ffmpeg = await locateFfmpeg(source.kind === 'file' || source.kind === 'generated');
  const backoff = new Backoff(settings.reconnect || { maxAttempts: 0 });
  const tally = { index: 0, passedOver: 0 };
  const stopped = (): boolean => signal.aborted;

  while (!stopped()) {
    const end = yield* oneRun();
    if (stopped()) return;
    if (!source.live) {
      if (!end.clean || end.pictures === 0) throw sourceFailed(source, end);
      if (end.complaint !== '') onEvent({ type: 'damaged', reason: `${source.label}: ${end.complaint}` });
      if (!settings.loop) return;
      continue;
    }
    const next = tally.index === 0 && refused.test(end.complaint) ? undefined : backoff.next();
    if (!next) throw sourceFailed(source, end);
    onEvent({ type: 'reconnect', ...next, reason: `${source.label}: ${end.complaint || 'the stream ended'}` });
    await pause(next.delayMs, signal);
  }

  async function* oneRun(): AsyncGenerator<Frame, RunEnd> {
    const run = play(source, ffmpeg, { ...settings, signal });
    try {
      for (let open = false; ;) {
        const step = await run.next();
        if (step.done) return step.value;
        const { data, width, height, time } = step.value.picture;
        if (!open) onEvent({ type: 'open', width, height });
        open = true;
        backoff.reset();
        const count = step.value.passedOver;
        if (count > 0) onEvent({ type: 'passedOver', count, total: (tally.passedOver += count) });
        tally.index += count;
        yield { data, width, height, format: 'rgb24', time, index: tally.index++, source: settings.name };
      }
    } finally {
      await run.return({ pictures: 0, complaint: '', clean: true });
    }
  }
}
