import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EdgeFlowError } from 'edgeflow';
import { bundledFfmpeg } from './bundled.js';
import { findOnPath, isExecutable } from './programs.js';

const run = promisify(execFile);

/** An ffmpeg that has been seen to run. */
export interface Ffmpeg {
  /** Command line to put before ffmpeg's own arguments: the program, behind a wrapper where there is one. */
  readonly command: readonly [string, ...string[]];
  /** Whether it is the binary of the optional npm package. */
  readonly bundled: boolean;
  /** Version of its libavcodec, major and minor; ffmpeg's own version is a commit in many builds. */
  readonly avcodec: readonly [major: number, minor: number];
}

async function tryCommand(command: readonly [string, ...string[]], bundled: boolean): Promise<Ffmpeg> {
  const [program, ...rest] = command;
  const { stdout } = await run(program, [...rest, '-hide_banner', '-version'], { timeout: 15_000 });
  const found = /libavcodec\s+(\d+)\.\s*(\d+)/.exec(stdout);
  if (!found) throw new Error(`'${program} -version' does not name libavcodec`);
  return { command, bundled, avcodec: [Number(found[1]), Number(found[2])] };
}

/**
 * Starts a program once to see what it is. Where the kernel can end a child with its parent (Linux, by util-linux'
 * setpriv), it is asked to: a SIGKILL of this process then leaves no ffmpeg, whatever ffmpeg is waiting for.
 */
async function inspect(program: string, bundled: boolean): Promise<Ffmpeg> {
  const setpriv = process.platform === 'linux' ? await findOnPath('setpriv') : undefined;
  if (setpriv !== undefined) {
    const wrapped = await tryCommand([setpriv, '--pdeathsig', 'KILL', program], bundled).catch(() => undefined);
    if (wrapped) return wrapped;
  }
  return tryCommand([program], bundled);
}

const mend =
  "Install it (Debian, Ubuntu: 'sudo apt install ffmpeg'; macOS: 'brew install ffmpeg'), or name it in EDGEFLOW_FFMPEG. " +
  "For local video files alone, 'npm install @ffmpeg-installer/ffmpeg' will do";

const inspected = new Map<string, Promise<Ffmpeg>>();

async function inspectOnce(program: string, bundled: boolean, usedBy: string): Promise<Ffmpeg> {
  const known = inspected.get(program);
  if (known) return known;
  const fresh = inspect(program, bundled);
  inspected.set(program, fresh);
  try {
    return await fresh;
  } catch (error) {
    inspected.delete(program);
    throw new EdgeFlowError('FFMPEG_MISSING', `${usedBy}: ${program} does not run as ffmpeg. ${mend}`, { cause: error });
  }
}

/**
 * Finds an ffmpeg: `EDGEFLOW_FFMPEG`, else the one on PATH, else, for local sources, the optional npm package's.
 *
 * @param local - whether the source is a local file or generated. The npm package's binary is of 2018 and is not given
 * anything from a network.
 * @param usedBy - the operator, for the message.
 * @throws EdgeFlowError `FFMPEG_MISSING`
 */
export async function locateFfmpeg(local: boolean, usedBy = 'camera'): Promise<Ffmpeg> {
  const named = process.env.EDGEFLOW_FFMPEG;
  if (named) {
    const path = named.includes('/') || named.includes('\\') ? named : await findOnPath(named);
    if (path === undefined || !(await isExecutable(path)))
      throw new EdgeFlowError('FFMPEG_MISSING', `${usedBy}: EDGEFLOW_FFMPEG names '${named}', which is not a program. ${mend}`);
    return inspectOnce(path, false, usedBy);
  }
  const system = await findOnPath('ffmpeg');
  if (system !== undefined) return inspectOnce(system, false, usedBy);
  const bundled = await bundledFfmpeg();
  if (bundled === undefined) throw new EdgeFlowError('FFMPEG_MISSING', `${usedBy}: there is no ffmpeg on PATH. ${mend}`);
  if (!local)
    throw new EdgeFlowError(
      'FFMPEG_MISSING',
      `${usedBy}: there is no ffmpeg on PATH, and the one in the npm package plays local files only. ${mend}`,
    );
  return inspectOnce(bundled, true, usedBy);
}
