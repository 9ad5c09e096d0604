import type { Ffmpeg } from './locate.js';
import type { VideoSource } from './source.js';

/** What decides ffmpeg's arguments. */
export interface PlayOptions {
  readonly fps?: number | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Play a recording at its own speed. */
  readonly realTime: boolean;
  readonly loop: boolean;
  /** Longest silence of a network source, in milliseconds. */
  readonly timeoutMs: number;
  /** Say when pictures begin to come in another size, see `InputSizeWatch`. */
  readonly watchSize: boolean;
  /** Further arguments for the input. */
  readonly inputArguments: readonly string[];
}

/** Arguments that open the source. */
function inputArguments(source: VideoSource, ffmpeg: Ffmpeg, options: PlayOptions): string[] {
  const microseconds = String(Math.round(options.timeoutMs * 1000));
  const pace = options.realTime ? ['-re'] : [];
  switch (source.kind) {
    case 'file':
      // The protocol is named so that no file name can be taken for an option or for another protocol.
      return [...pace, ...(options.loop ? ['-stream_loop', '-1'] : []), ...options.inputArguments, '-i', `file:${source.input}`];
    case 'generated':
      return [...pace, ...options.inputArguments, '-f', 'lavfi', '-i', source.input];
    case 'device': {
      const { fps, width, height } = options;
      return [
        ...['-f', 'v4l2'],
        ...(fps === undefined ? [] : ['-framerate', String(fps)]),
        ...(width === undefined || height === undefined ? [] : ['-video_size', `${width}x${height}`]),
        ...options.inputArguments,
        ...['-i', source.input],
      ];
    }
    case 'url': {
      const rtsp = /^rtsps?:/i.test(source.input);
      // Before ffmpeg 5, RTSP's `-timeout` meant to wait for a caller, and `-stimeout` what is meant here.
      const timeout = rtsp ? [ffmpeg.avcodec[0] >= 59 ? '-timeout' : '-stimeout', microseconds] : ['-rw_timeout', microseconds];
      const transport = rtsp ? ['-rtsp_transport', 'tcp'] : [];
      return [...pace, ...transport, ...timeout, '-fflags', 'nobuffer', ...options.inputArguments, '-i', source.input];
    }
  }
}

/** Filters that run in ffmpeg, so that only the wanted pixels pass the pipe. Sides that follow the other are even. */
function filters({ fps, width, height }: PlayOptions): string[] {
  const chain: string[] = [];
  if (fps !== undefined) chain.push(`fps=${fps}`);
  if (width !== undefined || height !== undefined) chain.push(`scale=${width ?? -2}:${height ?? -2}:flags=bilinear`);
  return chain.length === 0 ? [] : ['-vf', chain.join(',')];
}

/**
 * ffmpeg's arguments for a stream of rgb24 pictures on stdout, each behind a PPM header. The header costs nothing and
 * tells the size of each picture, rotation and scaling included, so that nothing has to be probed beforehand.
 */
export function playArguments(source: VideoSource, ffmpeg: Ffmpeg, options: PlayOptions): string[] {
  const [major, minor] = ffmpeg.avcodec;
  // One picture out for each picture in; the default would invent pictures where a camera's rate varies.
  const passthrough = major > 59 || (major === 59 && minor >= 37) ? '-fps_mode' : '-vsync';
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', options.watchSize ? 'level+verbose' : 'error'],
    ...inputArguments(source, ffmpeg, options),
    // In the clock of the guessed rate, pictures that are close together would be complained of.
    ...['-map', '0:v:0', ...filters(options), passthrough, 'passthrough', '-enc_time_base', '1:90000'],
    ...['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}
