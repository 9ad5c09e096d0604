import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EdgeFlowError } from 'edgeflow';
import { locateFfmpeg } from '../ffmpeg/locate.js';
import type { Ffmpeg } from '../ffmpeg/locate.js';

const run = promisify(execFile);

/** An ffmpeg and the encoder of it that is used. */
export interface VideoEncoder {
  readonly ffmpeg: Ffmpeg;
  readonly name: string;
}

/** In the order of preference. What is not here is used when it is named, with ffmpeg's own settings. */
const settings: Readonly<Record<string, readonly string[]>> = {
  // Zero latency: no picture waits in the encoder, so that few deliveries are open.
  libx264: ['-preset', 'veryfast', '-tune', 'zerolatency', '-crf', '23'],
  // Part of every ffmpeg. Without the limit, a change of scene would be a fragment of its own.
  mpeg4: ['-q:v', '5', '-sc_threshold', '1000000000'],
};

const known = new Map<string, Promise<ReadonlySet<string>>>();

async function encodersOf({ command: [program, ...rest] }: Ffmpeg): Promise<ReadonlySet<string>> {
  const { stdout } = await run(program, [...rest, '-hide_banner', '-loglevel', 'error', '-encoders'], { timeout: 15_000 });
  return new Set([...stdout.matchAll(/^ V[.A-Z]{5} (\w+)/gm)].map(([, name = '']) => name));
}

/**
 * Finds an ffmpeg and an encoder in it.
 *
 * @param wanted - undefined for the first of those preferred that is there.
 * @throws EdgeFlowError `FFMPEG_MISSING`, also where it lacks the encoder
 */
export async function chooseEncoder(wanted: string | undefined): Promise<VideoEncoder> {
  const ffmpeg = await locateFfmpeg(true, 'recordVideo');
  const key = ffmpeg.command.join('\0');
  const encoders = known.get(key) ?? encodersOf(ffmpeg);
  known.set(key, encoders);
  const there = await encoders;
  const name = wanted === undefined ? Object.keys(settings).find((each) => there.has(each)) : there.has(wanted) ? wanted : undefined;
  if (name === undefined)
    throw new EdgeFlowError(
      'FFMPEG_MISSING',
      `recordVideo: ${ffmpeg.command.at(-1)} has no encoder ${wanted ?? 'libx264 or mpeg4'}; name another (ffmpeg -encoders lists them), or another ffmpeg in EDGEFLOW_FFMPEG`,
    );
  return { ffmpeg, name };
}

/** Arguments from pictures in Matroska on stdin to fragmented MP4 on stdout, with times in milliseconds. */
export function recordArguments({ ffmpeg, name }: VideoEncoder, fragmentMs: number): string[] {
  const [major, minor] = ffmpeg.avcodec;
  const passthrough = major > 59 || (major === 59 && minor >= 37) ? '-fps_mode' : '-vsync';
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error'],
    ...['-f', 'matroska', '-fpsprobesize', '0', '-i', 'pipe:0', '-map', '0:v:0'],
    // What players show everywhere has four pictures' worth of luma for one of colour, and so even sides.
    ...['-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p', passthrough, 'passthrough', '-enc_time_base', '1:1000'],
    ...['-c:v', name, ...(settings[name] ?? []), '-bf', '0'],
    ...['-g', '9999', '-force_key_frames', `expr:gte(t,n_forced*${fragmentMs / 1000})`],
    ...['-video_track_timescale', '1000', '-movflags', '+frag_keyframe+empty_moov+default_base_moof'],
    ...['-flush_packets', '1', '-f', 'mp4', 'pipe:1'],
  ];
}
