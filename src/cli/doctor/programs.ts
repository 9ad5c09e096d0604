import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { bad, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

const run = promisify(execFile);

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program says of itself; undefined where there is none. Some say their version and fail. */
async function firstLine(program: string, argument: string): Promise<string | undefined> {
  const { stdout, stderr } = await run(program, [argument], { timeout: 15_000 }).catch((error: unknown) => error as Partial<Output>);
  return stdout === undefined || stderr === undefined || stdout + stderr === '' ? undefined : (stdout || stderr).split('\n', 1)[0];
}

/** ffmpeg, fswebcam, redis-server, and cameras. */
export async function checkPrograms(): Promise<Finding[]> {
  const ffmpegName = process.env.EDGEFLOW_FFMPEG ?? 'ffmpeg';
  const [ffmpeg, fswebcam, redis] = await Promise.all([
    firstLine(ffmpegName, '-version'),
    firstLine('fswebcam', '--version'),
    firstLine('redis-server', '--version'),
  ]);
  return [
    ffmpeg === undefined
      ? warn('ffmpeg', `'${ffmpegName}' does not run`, "needed for videos and cameras: 'apt install ffmpeg', or name it in EDGEFLOW_FFMPEG")
      : ok('ffmpeg', ffmpeg),
    fswebcam === undefined ? warn('fswebcam', 'not found', "needed by webcam() alone: 'apt install fswebcam'") : ok('fswebcam', fswebcam),
    redis === undefined
      ? warn(
          'redis-server',
          'not found',
          "needed by DualRedisBroker.local() and --broker redis without servers of yours: 'apt install redis-server'",
        )
      : ok('redis-server', redis),
    ...cameras(),
  ];
}

function cameras(): Finding[] {
  if (process.platform !== 'linux' || !existsSync('/dev')) return [];
  const devices = readdirSync('/dev').filter((name) => /^video\d+$/.test(name));
  if (devices.length === 0) return [ok('cameras', 'no /dev/video*; network cameras and files work')];
  return devices.map((device) => {
    try {
      accessSync(`/dev/${device}`, constants.R_OK | constants.W_OK);
      return ok('camera', `/dev/${device}`);
    } catch {
      return bad(
        'camera',
        `/dev/${device} may not be opened`,
        `add this user to its group: sudo usermod -aG video ${process.env.USER ?? '$USER'}`,
      );
    }
  });
}
