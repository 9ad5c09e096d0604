import { checkAtLeast, checkPositive, checkRange } from '../checks.js';
import { EdgeFlowError } from 'edgeflow';

/** A file that was not taken. */
export interface SkippedImage {
  readonly path: string;
  /** Why: `IMAGE_INVALID`, or what the file system says. */
  readonly error: unknown;
}

/** Options of `images`. */
export interface ImagesOptions {
  /** Most pictures a second. @defaultValue as fast as consumers allow */
  readonly fps?: number;
  /** Start again at the end, with files that are new meanwhile. @defaultValue false */
  readonly loop?: boolean;
  /**
   * Go on when all files have been shown, and look for new ones so often, in milliseconds. A file that is only half written
   * is skipped, and taken when it is whole.
   *
   * @defaultValue not: the stream completes
   */
  readonly watchMs?: number;
  /** What to do with a file that is no picture: pass over it, or fail. @defaultValue 'skip' */
  readonly broken?: 'skip' | 'fail';
  /** Larger files are broken, in bytes. @defaultValue 100 million */
  readonly maxBytes?: number;
  /** The frames' source: a name, or a function of the file's path. @defaultValue the name of the folder */
  readonly name?: string | ((path: string) => string);
  /** How many frames may be open downstream at once. @defaultValue 1 */
  readonly concurrency?: number;
  /** Told of each file that is skipped. @defaultValue `process.emitWarning` */
  readonly onSkip?: (skipped: SkippedImage) => void;
}

/** Checked options, with their defaults. */
export interface ImagesSettings extends Required<Omit<ImagesOptions, 'name' | 'watchMs'>> {
  readonly pattern: string;
  readonly watchMs: number | undefined;
  readonly name: string | ((path: string) => string) | undefined;
}

function warn({ path, error }: SkippedImage): void {
  process.emitWarning(`images: ${path} is skipped: ${error instanceof Error ? error.message : String(error)}`, {
    type: 'EdgeFlowWarning',
    code: 'IMAGE_INVALID',
  });
}

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function checkImagesOptions(pattern: string, options: ImagesOptions): ImagesSettings {
  const { fps = Infinity, loop = false, watchMs, broken = 'skip', maxBytes = 100_000_000, concurrency = 1 } = options;
  const check = (name: string, found: unknown, fine: boolean, expected: string): void => {
    if (!fine) throw new EdgeFlowError('OPTIONS_INVALID', `images: ${name} is ${String(found)}; expected ${expected}`);
  };
  check('pattern', JSON.stringify(pattern), typeof pattern === 'string' && pattern.trim() !== '' && !pattern.includes('\0'), 'a path');
  checkPositive('images', 'fps', fps);
  if (watchMs !== undefined) checkRange('images', 'watchMs', watchMs, 1, 86_400_000);
  check('watchMs', watchMs, watchMs === undefined || !loop, 'none together with loop, which looks for new files too');
  check('broken', broken, ['skip', 'fail'].includes(broken), "'skip' or 'fail'");
  checkAtLeast('images', 'maxBytes', maxBytes, 1);
  check('concurrency', concurrency, concurrency >= 1, 'at least 1');
  return { pattern, fps, loop, watchMs, broken, maxBytes, concurrency, name: options.name, onSkip: options.onSkip ?? warn };
}
