import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgeFlowError } from 'edgeflow';
import { redact, redactUrl } from './redact.js';

/** What a camera reads from. */
export interface VideoSource {
  readonly kind: 'file' | 'generated' | 'device' | 'url';
  /** What ffmpeg opens: an absolute path, a filter graph, a device, or a url with its credentials. */
  readonly input: string;
  /** Whether pictures come at their own time whether they are read or not, and the source is expected back when it ends. */
  readonly live: boolean;
  /** For messages: no credentials. */
  readonly label: string;
  /** The default of {@link Frame.source}: short, no credentials. */
  readonly name: string;
}

const liveSchemes = ['rtsp', 'rtsps', 'rtmp', 'rtmps', 'http', 'https', 'tcp', 'udp', 'rtp', 'srt'];

/**
 * Tells what kind of source a text names.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for an empty text and for url schemes that are not video.
 */
export function parseSource(source: string): VideoSource {
  if (typeof source !== 'string' || source.trim() === '' || source.includes('\0'))
    throw new EdgeFlowError('OPTIONS_INVALID', "camera: source is empty; expected a file, a url, '/dev/videoN', 'lavfi:…' or 'street:…'");
  if (source.startsWith('lavfi:')) {
    const graph = source.slice('lavfi:'.length);
    return { kind: 'generated', input: graph, live: false, label: redact(source), name: /^\w+/.exec(graph)?.[0] ?? 'generated' };
  }
  // Drawn here, see `CameraSettings.scene`: ffmpeg is never asked for it.
  if (source.startsWith('street:'))
    return { kind: 'generated', input: source.slice('street:'.length), live: false, label: source, name: nameOfStreet(source) };
  if (source.startsWith('/dev/')) return { kind: 'device', input: source, live: true, label: source, name: basename(source) };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === 'file') {
    const path = scheme === 'file' ? fileURLToPath(source) : resolve(source);
    return { kind: 'file', input: path, live: false, label: redact(path), name: redact(basename(path)) };
  }
  if (!liveSchemes.includes(scheme))
    throw new EdgeFlowError('OPTIONS_INVALID', `camera: source has the scheme '${scheme}://'; expected one of ${liveSchemes.join(', ')}`);
  const label = redactUrl(source);
  return { kind: 'url', input: source, live: true, label, name: label.replace(/^\w+:\/\/(\*\*\*@)?/, '').replace(/[?#].*$/, '') };
}

/**
 * Makes sure that a file or a device is there before ffmpeg is asked.
 *
 * @throws EdgeFlowError `SOURCE_MISSING`
 */
export async function checkSourceExists(source: VideoSource): Promise<void> {
  if (source.kind !== 'file' && source.kind !== 'device') return;
  const missing = (what: string, cause?: unknown): EdgeFlowError =>
    new EdgeFlowError(
      'SOURCE_MISSING',
      source.kind === 'device'
        ? `camera: ${what} at ${source.label}; see which there are by 'ls /dev/video*', and pass the device into a container by '--device ${source.label}'`
        : `camera: ${what} at ${source.label}; a relative path starts at ${process.cwd()}`,
      { cause },
    );
  const found = await stat(source.input).catch((error: unknown) => {
    throw missing(source.kind === 'device' ? 'there is no device' : 'there is no file', error);
  });
  if (source.kind === 'device' && !found.isCharacterDevice()) throw missing('something that is not a video device is');
  if (source.kind === 'file' && found.isDirectory()) throw missing('a folder, not a video file, is');
}

/** As `scene` names it. */
function nameOfStreet(source: string): string {
  return `street-${Number(/^street:(\d+)/.exec(source)?.[1] ?? 1)}`;
}
