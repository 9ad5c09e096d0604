import { PassThrough } from 'node:stream';
import { EdgeFlowError } from 'edgeflow';
import type { Lease } from 'edgeflow';
import { startFfmpeg } from '../ffmpeg/process.js';
import type { FfmpegRun } from '../ffmpeg/process.js';
import { storeFailed } from '../blobs/files.js';
import type { Frame, PixelFormat } from '../frame.js';
import { outageOfDisk } from '../sinks/disk.js';
import type { Target } from '../sinks/target.js';
import type { ClipFile, ClipStore } from './clipStore.js';
import { recordArguments } from './encoder.js';
import type { VideoEncoder } from './encoder.js';
import { Mp4Cutter } from './fragments.js';
import type { Mp4Piece } from './fragments.js';
import { matroskaHeader, matroskaPictureHeader } from './matroska.js';

/** Where a clip is, and what it holds. */
export interface ClipRef {
  /** Path below the directory, with `/` between its parts. */
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** When its first picture was taken, in milliseconds since the epoch. */
  readonly time: number;
  /** From its first picture to its last, in milliseconds. */
  readonly durationMs: number;
  /** Pictures in it. */
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** ffmpeg's name of the encoder, such as `libx264`. */
  readonly encoder: string;
  /** Name of the frames' source. */
  readonly source: string;
}

/** A frame whose delivery is open. */
export interface HeldFrame {
  readonly frame: Frame;
  readonly lease: Lease;
}

/** What the segments of a subscription share. */
export interface SegmentContext {
  readonly directory: string;
  readonly encoder: Promise<VideoEncoder>;
  readonly store: ClipStore;
  readonly target: Target;
  readonly fragmentMs: number;
  readonly signal: AbortSignal;
  readonly emit: (clip: ClipRef) => void;
}

interface Pending {
  readonly time: number;
  readonly lease: Lease;
}

/** One clip: an ffmpeg that encodes, and a file that gets what it writes, fragment by fragment. */
export class Segment {
  readonly #context: SegmentContext;
  readonly #input = new PassThrough({ highWaterMark: 1 });
  readonly #width: number;
  readonly #height: number;
  readonly #format: PixelFormat;
  readonly #source: string;
  readonly startedAt: number;
  /** Time of the last picture in the clip, from its beginning. */
  #last = -1;
  #lastTime = 0;
  #pending: Pending[] = [];
  /** Recorded, and kept open for the reference. */
  #keptBack: Lease[] = [];
  #ending = false;
  #frames = 0;
  #file: ClipFile | undefined;
  #failure: unknown;
  /** Resolves when the clip is in its place and all its deliveries are settled. */
  readonly done: Promise<void>;

  /** @param earlier - resolves when the source's clips before this one have been told of. */
  constructor(context: SegmentContext, first: Frame, earlier: Promise<void>) {
    this.#context = context;
    this.#width = first.width;
    this.#height = first.height;
    this.#format = first.format;
    this.#source = first.source;
    this.startedAt = Math.floor(first.time);
    this.#lastTime = this.startedAt;
    this.#input.write(matroskaHeader(first));
    this.done = this.#run(earlier);
  }

  /** Whether a frame can be in this clip: of the same size and format, and not older than the last. */
  fits({ width, height, format, time }: Frame): boolean {
    return (
      !this.#ending &&
      this.#failure === undefined &&
      width === this.#width &&
      height === this.#height &&
      format === this.#format &&
      Math.floor(time) >= this.#lastTime
    );
  }

  write({ frame, lease }: HeldFrame): void {
    this.#lastTime = Math.floor(frame.time);
    // Two pictures of one millisecond are shown one after the other.
    const time = Math.max(this.#lastTime - this.startedAt, this.#last + 1);
    this.#last = time;
    this.#pending.push({ time, lease });
    this.#input.write(matroskaPictureHeader(time, frame.data.length));
    this.#input.write(frame.data, () => {
      // From now on it waits for its fragment to be full. Before, it waits for ffmpeg, which is to slow the source down.
      lease.park();
    });
  }

  /** No more frames come: ffmpeg writes what it has. */
  end(): void {
    this.#ending = true;
    this.#input.end();
  }

  async #run(earlier: Promise<void>): Promise<void> {
    const { encoder, fragmentMs, signal } = this.#context;
    const chosen = await encoder;
    const run = startFfmpeg(chosen.ffmpeg, recordArguments(chosen, fragmentMs), { stdin: 'pipe' });
    signal.addEventListener('abort', run.stop, { once: true });
    if (signal.aborted) run.stop();
    try {
      await this.#record(run);
      const { code, error } = await run.exited;
      if (code !== 0) throw error ?? new Error(run.complaints().join('; ') || `it ended with ${String(code)}`);
    } catch (error) {
      this.#failure ??= error;
    } finally {
      signal.removeEventListener('abort', run.stop);
      run.stop();
      // However ffmpeg ended: no frame fits any more.
      this.#ending = true;
      this.#input.destroy();
    }
    await this.#close(chosen.name, earlier);
  }

  async #record({ stdin, stdout }: FfmpegRun): Promise<void> {
    // ffmpeg's own words tell why it does not take more.
    stdin?.on('error', () => undefined);
    if (stdin) this.#input.pipe(stdin);
    const cutter = new Mp4Cutter();
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      const pieces: Mp4Piece[] = [];
      cutter.push(chunk, (piece) => pieces.push(piece));
      for (const piece of pieces) {
        await this.#append(piece.bytes);
        this.#settle(piece.times);
      }
    }
  }

  async #append(bytes: Buffer): Promise<void> {
    const { store, target, signal } = this.#context;
    await target.reach(
      async () => {
        this.#file ??= await store.create(this.#source, this.startedAt);
        await this.#file.append(bytes);
      },
      outageOfDisk,
      signal,
    );
  }

  /** Settles the frames that are in the file now. */
  #settle(times: readonly number[]): void {
    const upTo = times.at(-1);
    if (upTo === undefined) return;
    const written = new Set(times);
    const count = this.#pending.findIndex(({ time }) => time > upTo);
    for (const { time, lease } of this.#pending.splice(0, count < 0 ? this.#pending.length : count)) {
      if (!written.has(time)) lease.fail(undecodable());
      else {
        this.#frames++;
        if (this.#ending) this.#keptBack.push(lease);
        else lease.release();
      }
    }
  }

  async #close(encoder: string, earlier: Promise<void>): Promise<void> {
    const { signal, directory, emit } = this.#context;
    const file = this.#file;
    try {
      if (signal.aborted || this.#failure !== undefined) await file?.abandon();
      else if (file) await this.#finish(file);
    } catch (error) {
      this.#failure ??= error;
    }
    await earlier;
    // Unsubscribed: what is open is handed back.
    if (signal.aborted) return;
    const failure = this.#failure === undefined ? undefined : storeFailed('recordVideo', directory, this.#failure);
    const last = this.#keptBack.at(-1);
    if (file && last && !failure)
      last.run(() => {
        emit({
          path: file.path,
          bytes: file.bytes,
          time: this.startedAt,
          durationMs: this.#last,
          frames: this.#frames,
          width: this.#width,
          height: this.#height,
          encoder,
          source: this.#source,
        });
      });
    for (const lease of this.#keptBack) lease.release();
    for (const { lease } of this.#pending) lease.fail(failure ?? undecodable());
    this.#pending = this.#keptBack = [];
  }

  async #finish(file: ClipFile): Promise<void> {
    const { store, target, signal } = this.#context;
    await target.reach(() => file.finish(), outageOfDisk, signal);
    await store.rotate(file.path);
  }
}

function undecodable(): EdgeFlowError {
  return new EdgeFlowError('IMAGE_INVALID', 'recordVideo: ffmpeg could not read the picture');
}
