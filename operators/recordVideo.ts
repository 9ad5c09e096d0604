import { resolve } from 'node:path';
import { EdgeFlowError, leasingOperator } from 'edgeflow';
import type { Observable, OperatorFunction } from 'rxjs';
import { checkAtLeast, checkPositive } from './checks.js';
import type { StoreDurability } from './blobs/blobStore.js';
import type { RetentionLimits } from './blobs/rotation.js';
import { checkFrame } from './frame.js';
import type { Frame } from './frame.js';
import { checkPatience, Target } from './sinks/target.js';
import type { PatienceOptions } from './sinks/target.js';
import { ClipStore } from './video/clipStore.js';
import { chooseEncoder } from './video/encoder.js';
import { Recording } from './video/recording.js';
import type { ClipRef, SegmentContext } from './video/segment.js';

/** Options of {@link recordVideo}. */
export interface RecordVideoOptions<T extends Frame> extends RetentionLimits, PatienceOptions {
  /** Directory, relative to the working directory; made where it is missing. Several processes may write to one. */
  readonly directory: string;
  /** Longest clip, in milliseconds. @defaultValue 60000 */
  readonly segmentMs?: number;
  /** How much is written at a time, in milliseconds: deliveries are open for so long, and a kill may repeat so much. @defaultValue 1000 */
  readonly fragmentMs?: number;
  /** Whether something happens in a frame: only what is around events is recorded. @defaultValue everything is recorded */
  readonly when?: (frame: T) => boolean;
  /** Events from elsewhere: the next frame of each source counts as one. @defaultValue none */
  readonly trigger?: Observable<unknown>;
  /** How much before an event is recorded, in milliseconds. @defaultValue 5000 */
  readonly preRollMs?: number;
  /** How much after an event is recorded, in milliseconds. @defaultValue 5000 */
  readonly postRollMs?: number;
  /** Most bytes of frames that are kept for the time before an event. @defaultValue 256 MiB */
  readonly maxPreRollBytes?: number;
  /** Most pictures a second of the frames' time; others are left out. @defaultValue Infinity */
  readonly fps?: number;
  /** Name of an encoder of ffmpeg. @defaultValue 'libx264', or 'mpeg4' where ffmpeg has none */
  readonly encoder?: string;
  /** A clip ends when no frame came for so long, and frames that are kept for the next are let go, in milliseconds. @defaultValue 5000 */
  readonly idleMs?: number;
  /** What a recorded picture survives: `process` any process's death, `power` a loss of power too. @defaultValue 'process' */
  readonly durability?: StoreDurability;
}

const latestTime = 253_402_300_799_999;

/**
 * Records frames as video clips, all of them or those around events, and tells where each clip is.
 *
 * ```
 * in        -a-b-c-d-e-f-g-h-|
 *           recordVideo({ directory, when: isD, preRollMs: 2, postRollMs: 2 })
 * recorded     [b c d e]
 * out       ----------R------|      { path: '2026-11-23/001795443259123-….mp4', frames: 4, … }
 * ```
 *
 * Clips are fragmented MP4 (ISO/IEC 14496-12): a clip can be played while it is written, and after a `kill -9` at any
 * moment. ffmpeg is a process of its own that encodes; this one writes the file, a whole fragment at a time. Times of
 * frames are the times of the pictures, to the millisecond. Each source of frames has its own clips.
 *
 * - **Emits** one {@link ClipRef} for each clip, when it has its name, in answer to its last frame.
 * - **Settles** a frame's delivery when the fragment that it is in is written to the file; one that is not recorded when
 *   it is older than `preRollMs`. After a kill, the frames of the fragment that was not written come again, in a clip of
 *   their own; so may those of the last fragment, whose acks were lost: they are then in two clips, and none is in no clip.
 * - **Waits** while the disk is full; says so once, and once when it goes on.
 * - **Fails** the delivery with `FRAME_INVALID`, `IMAGE_INVALID` for a JPEG that ffmpeg cannot read, `STORE_FAILED` when
 *   ffmpeg ends in between or `patienceMs` are over, and with what `when` throws; the stream with `FFMPEG_MISSING`, and with
 *   an error of `trigger`.
 * - **Completes** when the last clip has its name.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * frames.pipe(recordVideo({ directory: 'clips', maxBytes: 50e9, maxAgeMs: 7 * 86_400_000 })).subscribe();
 * ```
 */
export function recordVideo<T extends Frame>(options: RecordVideoOptions<T>): OperatorFunction<T, ClipRef> {
  const { segmentMs = 60_000, fragmentMs = 1_000, preRollMs = 5_000, postRollMs = 5_000, maxPreRollBytes = 256 * 2 ** 20 } = options;
  const { when, trigger, fps = Infinity, idleMs = 5_000, encoder, durability = 'process', patienceMs = Infinity } = options;
  const { maxCount = Infinity, maxBytes = Infinity, maxAgeMs = Infinity } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `recordVideo: ${what}`);
  };
  if (typeof options.directory !== 'string' || options.directory === '') fail('directory is empty; expected the path of a folder');
  for (const [name, value] of Object.entries({ segmentMs, fragmentMs, fps, idleMs, maxPreRollBytes, maxCount, maxBytes, maxAgeMs }))
    checkPositive('recordVideo', name, value);
  for (const [name, value] of Object.entries({ preRollMs, postRollMs })) checkAtLeast('recordVideo', name, value, 0);
  if (encoder !== undefined && !/^\w+$/.test(encoder)) fail(`encoder is '${encoder}'; expected the name of one of ffmpeg's`);
  if (!['process', 'power'].includes(durability)) fail(`durability is '${durability}'; expected 'process' or 'power'`);
  checkPatience('recordVideo', patienceMs);
  const directory = resolve(options.directory);
  const events = when || trigger ? { preRollMs, postRollMs, maxPreRollBytes } : undefined;

  return leasingOperator<T, ClipRef>('recordVideo', (output) => {
    const closing = new AbortController();
    const store = new ClipStore({ directory, sync: durability === 'power', maxCount, maxBytes, maxAgeMs });
    const target = new Target({ operator: 'recordVideo', label: directory, patienceMs, code: 'STORE_FAILED' });
    const ready = chooseEncoder(encoder).then(async (chosen) => {
      await store.mend();
      return chosen;
    });
    const failStream = (error: unknown): void => output.error(error);
    ready.catch(failStream);
    const emit = (clip: ClipRef): void => output.next(clip);
    const context: SegmentContext = { directory, encoder: ready, store, target, fragmentMs, signal: closing.signal, emit };
    const recordings = new Map<string, Recording>();
    const recordingOf = (source: string): Recording => {
      const recording = recordings.get(source) ?? new Recording(context, { segmentMs, events, fps, idleMs }, failStream);
      recordings.set(source, recording);
      return recording;
    };
    const triggered = trigger?.subscribe({
      next: () => {
        for (const recording of recordings.values()) recording.trigger();
      },
      error: failStream,
    });

    return {
      next: (frame, lease) => {
        try {
          checkFrame(frame);
          if (!(frame.time >= 0 && frame.time <= latestTime))
            throw new EdgeFlowError(
              'FRAME_INVALID',
              `frame ${frame.index} of '${frame.source}': time is ${frame.time}; expected milliseconds since the epoch`,
            );
          const event = when?.(frame) ?? false;
          recordingOf(frame.source).next({ frame, lease }, event);
        } catch (error) {
          lease.fail(error);
        }
      },
      complete: () => {
        void Promise.all([...recordings.values()].map((recording) => recording.end())).then(() => output.complete(), failStream);
      },
      teardown: () => {
        closing.abort();
        triggered?.unsubscribe();
        for (const recording of recordings.values()) recording.stop();
      },
    };
  });
}
