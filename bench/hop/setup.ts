import type { BrokerConfig } from 'edgeflow';

/** What both processes of the hop are told at first. */
export interface HopSetup {
  readonly broker: BrokerConfig;
  readonly frameBytes: number;
}

/** One phase: so many frames, paced and read by `popLatest`, or as fast as they go and read by `pop` and `ack`. */
export interface HopPhase {
  readonly mode: 'paced' | 'full';
  /** Tells the frames of this phase from those of an earlier one. */
  readonly phase: number;
  readonly frames: number;
  readonly fps: number;
}

/** What the consumer found. */
export interface HopResult {
  /** From before `push` to the consumer holding the bytes, in milliseconds, of each frame that it got. */
  readonly latencies: readonly number[];
  /** When the last frame was got and, at full speed, acked; on the clock of `process.hrtime`, in milliseconds. */
  readonly endMs: number;
}

/** When the first frame was pushed, on the same clock. */
export interface HopStart {
  readonly startMs: number;
}

/** What the producer process is told, and answers. */
export interface HopProducing {
  readonly setup: HopSetup;
  readonly phase: HopPhase;
  readonly result: HopStart;
}

/** What the consumer process is told, and answers. */
export interface HopConsuming {
  readonly setup: HopSetup;
  readonly phase: HopPhase;
  readonly result: HopResult;
}

/** Read by `popLatest`. */
export const liveTopic = 'live';
/** Read by `pop` and `ack`. */
export const archiveTopic = 'archive';

/** Frames that may be on their way at full speed: as many as fit 32 MiB, up to 64. */
export function windowOf(frameBytes: number): number {
  return Math.max(1, Math.min(64, Math.floor((32 * 1024 * 1024) / frameBytes)));
}
