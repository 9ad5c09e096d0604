import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeFlowError, fromPull } from 'edgeflow';
import type { Observable } from 'rxjs';
import { findOnPath } from './ffmpeg/programs.js';
import { pause } from './ffmpeg/reconnect.js';
import type { Frame } from './frame.js';
import { steadyClock } from './steadyClock.js';
import type { WebcamSettings } from './webcam/capture.js';

/** Options of {@link webcam}. */
export interface WebcamOptions {
  /** `/dev/videoN`; without a camera `TEST:colourbars`, or a still, `FILE:/path/to.jpg`. @defaultValue '/dev/video0' */
  readonly device?: string;
  /** Width to ask the camera for, in pixels; it may give the nearest that it has. @defaultValue 640 */
  readonly width?: number;
  /** Height to ask for, in pixels. @defaultValue 480 */
  readonly height?: number;
  /** Shortest time from one picture to the next, in milliseconds. @defaultValue 1000 */
  readonly intervalMs?: number;
  /** JPEG quality from 1 to 95. @defaultValue 85 */
  readonly quality?: number;
  /** Longest time for one picture, in milliseconds. @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** Name of the frames' source. @defaultValue the device's */
  readonly name?: string;
}

/** The only devices that are let through to node-webcam, which puts them into a shell command as they are. */
const devicePatterns = [/^\/dev\/video\d{1,3}$/, /^TEST:[A-Za-z0-9]{1,32}$/, /^FILE:(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/];

const shellSafePath = /^(\/[A-Za-z0-9_.-]+)+$/;

function checkOptions(options: WebcamOptions): WebcamSettings & { readonly intervalMs: number } {
  const { device = '/dev/video0', width = 640, height = 480, intervalMs = 1000, quality = 85, timeoutMs = 10_000 } = options;
  if (typeof device !== 'string' || device.includes('..') || !devicePatterns.some((pattern) => pattern.test(device)))
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `webcam: device is ${JSON.stringify(device)}; expected '/dev/videoN', 'TEST:name', or 'FILE:/path' of letters, digits, '.', '_', '-'`,
    );
  const check = (name: string, value: unknown, min: number, max: number): void => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `webcam: ${name} is ${JSON.stringify(value)}; expected a whole number from ${min} to ${max}`,
    );
  };
  check('width', width, 16, 8192);
  check('height', height, 16, 8192);
  check('quality', quality, 1, 95);
  check('intervalMs', intervalMs, 0, 86_400_000);
  check('timeoutMs', timeoutMs, 1, 600_000);
  return { device, width, height, intervalMs, quality, timeoutMs };
}

/**
 * Stills of a webcam, as JPEG, by node-webcam and the program fswebcam (Linux). For video use `camera`.
 *
 * ```
 * webcam({ intervalMs: 1000 })
 * out  a---------b---------c---
 * ```
 *
 * - **Emits** frames of format `jpeg`, of the size that the camera really gave.
 * - **Settles**: the next picture is taken when a frame's delivery has settled and the interval is over.
 * - **Fails** with `WEBCAM_FAILED` when fswebcam is missing or gives no picture.
 * - **Completes** never.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * webcam({ device: '/dev/video0', width: 1280, height: 720, intervalMs: 5_000 }).pipe(storeBlob({ directory: 'stills' }));
 * ```
 */
export function webcam(options: WebcamOptions = {}): Observable<Frame> {
  const settings = checkOptions(options);
  const name = options.name ?? settings.device.replace('/dev/', '');
  return fromPull(({ signal }) => stills(settings, name, signal));
}

async function* stills(
  settings: WebcamSettings & { readonly intervalMs: number },
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Frame, void> {
  if ((await findOnPath('fswebcam')) === undefined)
    throw new EdgeFlowError(
      'WEBCAM_FAILED',
      "webcam: there is no program 'fswebcam' on PATH. Install it (Debian, Ubuntu: 'sudo apt install fswebcam'), or use camera({ source: '/dev/video0' }), which needs ffmpeg",
    );
  const base = tmpdir();
  const folder = await mkdtemp(join(shellSafePath.test(base) ? base : '/tmp', 'edgeflow-webcam-'));
  try {
    const now = steadyClock();
    // With node-webcam, which only a webcam needs.
    const { StillCamera } = await import('./webcam/capture.js');
    const camera = new StillCamera(settings, folder);
    for (let index = 0; !signal.aborted; index++) {
      const startedAt = performance.now();
      const { data, width, height } = await camera.take();
      yield { data, width, height, format: 'jpeg', time: now(), index, source: name };
      await pause(Math.max(0, settings.intervalMs - (performance.now() - startedAt)), signal);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
