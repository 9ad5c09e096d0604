import type { BrokerConfig } from 'edgeflow';
import type { Address } from '../support/redisServer.js';

/** How frames get from one process to another. */
export type DriverName = 'broker' | 'redis' | 'zeromq';

/** What all processes of one camera are told at first; the Python ones take from it what they need. */
export interface FrameSetup {
  readonly driver?: DriverName;
  /** For EdgeFlow's brokers. */
  readonly broker?: BrokerConfig;
  /** For what is written by hand on Redis. */
  readonly redis?: ByHand;
  /** For sockets and memory maps: an empty folder, in shared memory. */
  readonly directory?: string;
  /** Numbers of consumers that read the newest frames together, the largest last. */
  readonly audiences: readonly number[];
  /** The largest frame that will be sent. */
  readonly maxFrameBytes: number;
  /** Which consumer this one is, from 0. */
  readonly consumer?: number;
  /** Topic of the frames that are read one by one. */
  readonly everyTopic: string;
}

export interface ByHand {
  /** Stream of ids. */
  readonly control: Address;
  /** Frames by key; without it they travel in the stream. */
  readonly data?: Address;
}

/** One phase: frames for so long. */
export interface FramePhase {
  /** What consumers get: the newest frame whenever they are free, or every frame in order, which one consumer does. */
  readonly read: 'newest' | 'every';
  /** Frames a second; without it as fast as they go. */
  readonly fps?: number;
  /** Tells the frames of this phase from those of an earlier one. */
  readonly phase: number;
  readonly frameBytes: number;
  readonly ms: number;
  /** How many consumers take part. */
  readonly audience: number;
  /** How long a consumer of the newest works on each frame, in milliseconds: it does nothing else meanwhile. @defaultValue 0 */
  readonly workMs?: number;
}

/** What the producer did. Times are on the clock of `process.hrtime`, in milliseconds. */
export interface Produced {
  readonly frames: number;
  readonly startMs: number;
  /** How long each call took until the bytes could be written again. */
  readonly pushMs: readonly number[];
  /** Bytes that the broker held after the last frame; EdgeFlow's brokers alone tell. */
  readonly storedBytes?: number;
}

/** What a consumer found. */
export interface Consumed {
  /** From before the call of push to the consumer holding all bytes, in milliseconds, of each frame that it got. */
  readonly latencies: readonly number[];
  /** When the last frame was got and, read one by one, settled. */
  readonly endMs: number;
}

export interface Producing {
  readonly setup: FrameSetup;
  readonly phase: FramePhase;
  readonly result: Produced;
}

export interface Consuming {
  readonly setup: FrameSetup;
  readonly phase: FramePhase;
  readonly result: Consumed;
}

/** Frames that may be on their way at full speed: as many as fit 32 MiB, up to 64. */
export function windowOf(frameBytes: number): number {
  return Math.max(1, Math.min(64, Math.floor((32 * 1024 * 1024) / frameBytes)));
}
