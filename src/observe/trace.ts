import type { SkipReason } from './skips.js';

/** What one node did with one message. Times in milliseconds since the epoch; undefined where it has not come to that. */
export interface TraceStep {
  /** Id of the message; empty for one that was skipped, where no other node has had it. */
  readonly id: string;
  readonly topic: string;
  /** Position of the message in its topic, from 1. */
  readonly seq: number;
  /** The node that it came to. */
  readonly node: string;
  /** When the message was made. */
  readonly published: number | undefined;
  /** When the node's worker had it. */
  readonly received: number | undefined;
  /** When the worker handed it to the node's operator. */
  readonly started: number | undefined;
  /** When the operator was done with it. */
  readonly settled: number | undefined;
  /** `failed`: of this delivery; there may be another. `skipped`: the node never looked at it, or dropped it for its age. */
  readonly outcome: 'open' | 'settled' | 'failed' | 'skipped';
  readonly reason?: SkipReason;
}

/** Messages of a link that were passed over: positions from `first` to `last`. */
export interface SkippedRange {
  readonly topic: string;
  readonly first: number;
  readonly last: number;
  readonly time: number;
  readonly reason: SkipReason;
}

/** What a worker tells of traced messages. A step that goes on is told again. */
export interface TraceReport {
  readonly steps: readonly Omit<TraceStep, 'node' | 'reason'>[];
  readonly skipped: readonly SkippedRange[];
}

/** Code of `>`, which ends the first part of an id. */
export const rootEnd = 0x3e;

/** What a message's way began with: outputs have ids that are derived from those of the inputs. */
export function rootOf(id: string): string {
  const end = id.indexOf('>');
  return end < 0 ? id : id.slice(0, end);
}
