import type { Frame } from '../frame.js';
import { sceneFrames } from '../scene/sceneFrames.js';
import { steadyClock } from '../steadyClock.js';
import type { CameraSettings } from './cameraOptions.js';
import { locateFfmpeg } from './locate.js';
import { play, sourceFailed } from './play.js';
import type { RunEnd } from './play.js';
import { Backoff, pause } from './reconnect.js';
import { checkSourceExists } from './source.js';

/**
 * A server's answers that mean a mistake in the url. Refused credentials stay refused, and repeating them locks accounts;
 * what was never found is most likely misspelt.
 */
const refused = /\b(401 Unauthorized|403 Forbidden|authorization failed|404 Not Found)\b/i;

/** Pictures between two changes of size, below which a source is not opened again at once. */
const leastPictures = 5;

/**
 * The frames of a camera, one run of ffmpeg after the other, or of a scene.
 *
 * @throws EdgeFlowError `SOURCE_MISSING`, `SOURCE_FAILED`, `FFMPEG_MISSING`
 */
export async function* cameraFrames(settings: CameraSettings, signal: AbortSignal): AsyncGenerator<Frame, void> {
  const { source, scene, onEvent } = settings;
  if (scene) {
    onEvent({ type: 'open', width: scene.view.width, height: scene.view.height });
    for await (const frame of sceneFrames(scene, signal)) yield { ...frame, source: settings.name };
    return;
  }
  await checkSourceExists(source);
  const ffmpeg = await locateFfmpeg(source.kind === 'file' || source.kind === 'generated');
  const backoff = new Backoff(settings.reconnect || { maxAttempts: 0 });
  const tally = { index: 0, passedOver: 0 };
  const now = steadyClock();
  const stopped = (): boolean => signal.aborted;

  while (!stopped()) {
    const end = yield* oneRun();
    if (stopped()) return;
    if (end.left === 'stalled') onEvent({ type: 'stalled', silentMs: settings.stallTimeoutMs ?? 0 });
    // The source itself is well, unless it does so all the time: it is opened again at once, to have the new size.
    if (end.left === 'resized' && end.pictures >= leastPictures) continue;
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
    const run = play(source, ffmpeg, { ...settings, now, signal });
    try {
      for (let size = ''; ;) {
        const step = await run.next();
        if (step.done) return step.value;
        const { data, width, height, time } = step.value.picture;
        if (size !== `${width}x${height}`) onEvent({ type: 'open', width, height });
        size = `${width}x${height}`;
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
