import { EdgeFlowError, fromPull } from 'edgeflow';
import { concat, defer, EMPTY, merge, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { checkCameraOptions } from './ffmpeg/cameraOptions.js';
import type { CameraOptions, CameraSettings } from './ffmpeg/cameraOptions.js';
import { cameraFrames } from './ffmpeg/frames.js';
import type { Frame } from './frame.js';

/**
 * Pictures of several cameras in one stream; each frame's `source` is the name of its camera.
 *
 * ```
 * door  d0--------d1--------d2---
 * yard  ---y0-y1-y2-X                   has failed: told by an event, the others go on
 *       cameras({ door, yard })
 * out   d0-y0-y1-y2-d1------d2---
 * ```
 *
 * Each camera runs as {@link camera} does, with its own ffmpeg, its own demand and its own reconnects, so that a slow or dead
 * one holds up no other. Behind them, `groupBy(({ source }) => source)` takes them apart again.
 *
 * - **Emits** the frames of all cameras as they come, those of each in their order.
 * - **Settles**: a frame's delivery is the demand for the next one of its camera.
 * - **Fails** when all cameras have ended and one of them failed, with the error of the first; with the error of a delivery
 *   that failed, at once.
 * - **Completes** when all cameras have completed, which live ones never do.
 *
 * @param sources - a camera for each name: its options, or its `source` alone.
 * @param shared - options of all cameras that do not say otherwise.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * cameras({ door: 'rtsp://10.0.0.7/1', yard: { source: '/dev/video0', fps: 5 } }, { width: 640 }).pipe(detectYolo())
 * ```
 */
export function cameras(
  sources: Readonly<Record<string, string | Omit<CameraOptions, 'name'>>>,
  shared: Omit<Partial<CameraOptions>, 'source' | 'name'> = {},
): Observable<Frame> {
  const all = Object.entries(sources).map(([name, own]) =>
    checkCameraOptions({ ...shared, ...(typeof own === 'string' ? { source: own } : own), name }),
  );
  if (all.length === 0) throw new EdgeFlowError('OPTIONS_INVALID', 'cameras: there are none; expected at least one, such as { door: … }');
  return defer(() => {
    const failures: unknown[] = [];
    const streams = all.map((settings) =>
      fromPull(({ signal }) => tolerated(settings, signal, failures), { concurrency: settings.concurrency }),
    );
    return concat(
      merge(...streams),
      defer(() => (failures.length > 0 ? throwError(() => failures[0]) : EMPTY)),
    );
  });
}

/** The frames of one camera; its failure is kept for later. That of a delivery does not come by here: it is the stream's. */
async function* tolerated(settings: CameraSettings, signal: AbortSignal, failures: unknown[]): AsyncGenerator<Frame, void> {
  const frames = cameraFrames(settings, signal);
  try {
    yield* frames;
  } catch (error) {
    failures.push(error);
    settings.onEvent({ type: 'failed', error });
  }
}
