import { createHash, randomBytes } from 'node:crypto';
import { EdgeFlowError } from 'edgeflow';
import type { Frame, PixelFormat } from '../frame.js';

/** Where a stored picture is, and what it is. */
export interface BlobRef {
  /** Path below the store's directory, with `/` between its parts. */
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** When the picture was taken, in milliseconds since the epoch. */
  readonly time: number;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Layout of the file's bytes. */
  readonly format: PixelFormat;
  /** Name of the frame's source. */
  readonly source: string;
  /** Number of the frame in its source. */
  readonly index: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

const extensions: Readonly<Record<PixelFormat, string>> = { jpeg: 'jpg', rgb24: 'rgb24', gray8: 'gray8' };

/** End of the year 9999: later times do not fit the names' fixed width. */
const latestTime = 253_402_300_799_999;
const indexDigits = 10;

/** One folder a minute: `2026-11-23/14-27`, in UTC. */
export const folderPattern = /^\d{4}-\d{2}-\d{2}\/\d{2}-\d{2}$/;
export const fileNamePattern = /^(\d{15})-\d{10}-[0-9a-f]{20}\.(jpg|rgb24|gray8)$/;

/**
 * Path of a frame's file. Only numbers and a hash go into it, so that no text of a value can choose a path; paths sort
 * by time.
 *
 * @param identity - what makes the frame the same frame when it comes again; undefined for a name of its own.
 * @throws EdgeFlowError `FRAME_INVALID` for a time or an index that does not fit.
 */
export function blobPath(frame: Frame, identity: string | undefined): string {
  const { time, index } = frame;
  if (!(time >= 0 && time <= latestTime))
    throw new EdgeFlowError('FRAME_INVALID', `frame ${index} of '${frame.source}': time is ${time}; expected milliseconds since the epoch`);
  if (!Number.isSafeInteger(index) || index < 0)
    throw new EdgeFlowError('FRAME_INVALID', `frame of '${frame.source}': index is ${index}; expected a whole number from 0`);
  const milliseconds = Math.floor(time);
  const [day = '', clock = ''] = new Date(milliseconds).toISOString().split('T');
  const key =
    identity === undefined
      ? randomBytes(10).toString('hex')
      : createHash('sha256').update(`${identity}\0${frame.source}\0${index}`).digest('hex').slice(0, 20);
  const number = String(index % 10 ** indexDigits).padStart(indexDigits, '0');
  const name = `${String(milliseconds).padStart(15, '0')}-${number}-${key}.${extensions[frame.format]}`;
  return `${day}/${clock.slice(0, 5).replace(':', '-')}/${name}`;
}

/** Whether a text is a path that {@link blobPath} can have made. */
function isBlobPath(path: unknown): path is string {
  if (typeof path !== 'string') return false;
  const cut = path.lastIndexOf('/');
  return folderPattern.test(path.slice(0, cut)) && fileNamePattern.test(path.slice(cut + 1));
}

/**
 * The file that may lie beside a picture and tell of it, such as labels: of the same name, in JSON. It goes when the picture does.
 *
 * @param path - of the picture: that of a {@link BlobRef}, or the whole one.
 * @example
 * ```ts
 * sidecarOf('2026-11-29/10-15/door.jpg') // '2026-11-29/10-15/door.json'
 * ```
 */
export function sidecarOf(path: string): string {
  return path.replace(/\.\w+$/, '.json');
}

/** Time in a file's name, in milliseconds since the epoch. */
export function timeOfName(name: string): number {
  return Number(name.slice(0, 15));
}

/** Whether a value from outside is a {@link BlobRef}. */
export function isBlobRef(value: unknown): value is BlobRef {
  if (typeof value !== 'object' || value === null) return false;
  const ref = value as Record<string, unknown>;
  return (
    isBlobPath(ref.path) &&
    ['bytes', 'time', 'width', 'height', 'index'].every((name) => typeof ref[name] === 'number') &&
    ['source', 'sha256'].every((name) => typeof ref[name] === 'string') &&
    typeof ref.format === 'string' &&
    Object.hasOwn(extensions, ref.format)
  );
}
