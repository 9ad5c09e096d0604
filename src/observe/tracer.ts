import type { DeliveryStart } from './deliveries.js';
import { rootEnd } from './trace.js';
import type { SkippedRange, TraceReport, TraceStep } from './trace.js';

type Step = { -readonly [Key in keyof Omit<TraceStep, 'node' | 'reason'>]: TraceStep[Key] };

/** Most steps, and ranges of skipped messages, of one report. */
const mostSteps = 256;
const scale = 2 ** 32;

/**
 * Notes what happens to a sample of messages, between two reports. Whether a message is in the sample depends on the id that
 * its way began with, so that all nodes choose the same ways. Where there are more steps than a report takes, the share is
 * halved until they fit; each smaller sample is a part of the larger one.
 */
export class Tracer {
  readonly #sample: number;
  #limit: number;
  #steps = new Set<Step>();
  #skipped: SkippedRange[] = [];
  /** Steps that were not noted for want of room. */
  #over = 0;

  /** @param sample - share of the messages, from 0 to 1. */
  constructor(sample: number) {
    this.#sample = sample;
    this.#limit = sample * scale;
  }

  /** @returns what ends the step; undefined where the message is not in the sample. */
  begin({ link, message, received, started }: DeliveryStart): ((failed: boolean) => void) | undefined {
    const { id, seq, time } = message;
    if (this.#limit === 0 || hash(id) >= this.#limit) return undefined;
    const step: Step = { id, topic: link.topic, seq, published: time, received, started, settled: undefined, outcome: 'open' };
    this.#note(step);
    return (failed) => {
      step.settled = Date.now();
      step.outcome = failed ? 'failed' : 'settled';
      this.#note(step);
    };
  }

  skipped(range: SkippedRange): void {
    if (this.#sample > 0 && this.#skipped.length < mostSteps) this.#skipped.push(range);
  }

  report(): TraceReport {
    const report = { steps: [...this.#steps].map((step) => ({ ...step })), skipped: this.#skipped };
    const wanted = this.#steps.size + this.#over;
    if (wanted > mostSteps) this.#limit /= 2;
    else if (wanted < mostSteps / 4) this.#limit = Math.min(this.#sample * scale, this.#limit * 2);
    this.#steps = new Set();
    this.#skipped = [];
    this.#over = 0;
    return report;
  }

  #note(step: Step): void {
    if (this.#steps.size < mostSteps || this.#steps.has(step)) this.#steps.add(step);
    else this.#over++;
  }
}

/** FNV-1a, 32 bits, of what the message's way began with (Fowler, Noll, Vo, 1991), and a final mix as in MurmurHash3. */
function hash(id: string): number {
  let value = 0x811c9dc5;
  // Every message comes here: no text is made of the part.
  for (let at = 0; at < id.length; at++) {
    const code = id.charCodeAt(at);
    if (code === rootEnd) break;
    value = Math.imul(value ^ code, 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
