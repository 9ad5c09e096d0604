import { chmod, copyFile, mkdir, rename, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { EdgeFlowError } from 'edgeflow';
import { isExecutable } from './programs.js';

/** Path of the binary in the optional package `@ffmpeg-installer/ffmpeg`; undefined where it is not installed. */
function packagedPath(): string | undefined {
  try {
    const installer: unknown = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg');
    return typeof installer === 'object' && installer !== null && 'path' in installer ? String(installer.path) : undefined;
  } catch {
    // Not installed, or no binary for this platform: the package throws a bare text then. Both mean that there is none.
    return undefined;
  }
}

/** Folder of the user's own for a copy; another user must not be able to put a program there. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME: base = '' } = process.env;
  return join(base === '' ? join(homedir(), '.cache') : base, 'edgeflow', 'bin');
}

/**
 * Path under which a binary can be executed. npm 11 runs no install script, so the mode in the package may lack the
 * executable bit; where the bit cannot be set (read-only file system, another owner) a copy in the user's cache is used.
 *
 * @throws EdgeFlowError `FFMPEG_MISSING`
 */
export async function makeExecutable(path: string, folder: string = cacheFolder()): Promise<string> {
  if (await isExecutable(path)) return path;
  const bitSet = await chmod(path, 0o755).then(
    () => true,
    () => false,
  );
  if (bitSet && (await isExecutable(path))) return path;
  try {
    const { size, mtimeMs } = await stat(path);
    const copy = join(folder, `${basename(path)}-${size}-${Math.round(mtimeMs)}`);
    if (await isExecutable(copy)) return copy;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const partial = `${copy}.${process.pid}`;
    await copyFile(path, partial);
    await chmod(partial, 0o700);
    await rename(partial, copy);
    return copy;
  } catch (error) {
    throw new EdgeFlowError(
      'FFMPEG_MISSING',
      `camera: ${path} is not executable, and neither 'chmod +x' nor a copy in ${folder} succeeded; do one of the two by hand`,
      { cause: error },
    );
  }
}

/** The optional npm package's ffmpeg, ready to run; undefined where the package is not installed. */
export async function bundledFfmpeg(): Promise<string | undefined> {
  const path = packagedPath();
  return path === undefined ? undefined : makeExecutable(path);
}
