import { setImmediate as nextRound } from 'node:timers/promises';
import { EdgeFlowError } from 'edgeflow';
import { playArguments } from './arguments.js';
import type { PlayOptions } from './arguments.js';
import { PictureCutter } from './cutPictures.js';
import type { Picture } from './cutPictures.js';
import { InputSizeWatch } from './inputSize.js';
import type { Ffmpeg } from './locate.js';
import { PictureFeed } from './pictureFeed.js';
import type { FeedPolicy } from './pictureFeed.js';
import { startFfmpeg } from './process.js';
import type { Exit, FfmpegRun } from './process.js';
import type { VideoSource } from './source.js';

/** How one run of ffmpeg ended. */
export interface RunEnd {
  /** Pictures that it gave, those passed over included. */
  readonly pictures: number;
  /** What ffmpeg complained about, or why it was ended. Empty for a clean end. */
  readonly complaint: string;
  /** Whether ffmpeg says that it did its work. */
  readonly clean: boolean;
  /** Why it was left, where it was not ffmpeg that ended. */
  readonly left?: 'stalled' | 'resized';
}

/** How pictures are taken from a run of ffmpeg. */
export interface TakeOptions {
  readonly policy: FeedPolicy;
  /** Whether others of this machine go before ffmpeg. */
  readonly yields: boolean;
  readonly stallTimeoutMs: number | undefined;
  readonly maxPixels: number;
  /** The clock of the pictures. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A picture and how many were passed over before it. */
export interface Shot {
  readonly picture: Picture;
  readonly passedOver: number;
}

function describe(exit: Exit, run: FfmpegRun): string {
  if (exit.error) return exit.error.message;
  const said = run.complaints().join('\n  ');
  if (said !== '') return said;
  if (exit.signal) return `ffmpeg was ended by ${exit.signal}${exit.signal === 'SIGKILL' ? ' (is memory short?)' : ''}`;
  return exit.code === 0 ? '' : `ffmpeg ended with code ${exit.code}`;
}

/** Lets the event loop read what other pipes have by now: it does so between two rounds, and the first may be on its way. */
async function pollOnce(): Promise<void> {
  await nextRound();
  await nextRound();
}

/** Runs ffmpeg once and yields its pictures; returns how it ended. Ends ffmpeg when it is left or aborted. */
export async function* play(source: VideoSource, ffmpeg: Ffmpeg, options: PlayOptions & TakeOptions): AsyncGenerator<Shot, RunEnd> {
  const { policy, stallTimeoutMs, maxPixels, now, watchSize, yields, signal } = options;
  const size = new InputSizeWatch();
  const run = startFfmpeg(ffmpeg, playArguments(source, ffmpeg, options), { ...(watchSize && { complaintsIn: size.read }), yields });
  signal.addEventListener('abort', run.stop, { once: true });
  if (signal.aborted) run.stop();
  let pictures = 0;
  try {
    const feed = new PictureFeed(run.stdout, policy, new PictureCutter(now, maxPixels));
    for (;;) {
      const picture = await feed.take(stallTimeoutMs);
      if (picture === undefined) break;
      if (picture === 'stalled') return { pictures, clean: false, left: 'stalled', complaint: `no picture for ${stallTimeoutMs} ms` };
      // ffmpeg says that the size changes before it writes the first picture that it has stretched, but by another pipe.
      if (watchSize) await pollOnce();
      if (size.changed !== undefined) return { pictures, clean: false, left: 'resized', complaint: `pictures are now ${size.changed}` };
      const passedOver = feed.passedOver();
      pictures += 1 + passedOver;
      yield { picture, passedOver };
    }
    const exit = await run.exited;
    return { pictures, clean: exit.code === 0, complaint: describe(exit, run) };
  } finally {
    signal.removeEventListener('abort', run.stop);
    run.stop();
  }
}

/** The error for a source that broke off. */
export function sourceFailed(source: VideoSource, end: RunEnd): EdgeFlowError {
  const what = end.pictures === 0 ? 'no picture could be read' : `broke off after ${end.pictures} pictures`;
  return new EdgeFlowError(
    'SOURCE_FAILED',
    `camera: ${source.label}: ${what}\n  ${end.complaint || 'ffmpeg gave no reason; is there video in it?'}`,
  );
}
