import type { BrokerConfig } from 'edgeflow';
import type { Address } from '../support/redisServer.js';

/** A way to send small messages from one process to another, each acknowledged. */
export type DriverName = 'broker' | 'flow' | 'bullmq' | 'stream';

/** What both processes are told at first. */
export interface DurableSetup {
  readonly driver: DriverName;
  /** How many messages the producer sends before it waits until all of them are confirmed. */
  readonly inFlight: number;
  /** For EdgeFlow's brokers. */
  readonly broker?: BrokerConfig;
  /** For the peers on Redis. */
  readonly redis?: Address;
  /** BullMQ's: how many jobs its worker has under way. */
  readonly concurrency?: number;
}

/** One phase: so many messages. */
export interface DurablePhase {
  readonly phase: number;
  readonly count: number;
}

/** When the first message was sent, or the last one acknowledged; on the clock of `process.hrtime`, in milliseconds. */
export interface DurableTime {
  readonly ms: number;
}

/** What either process is told, and answers. */
export interface DurableProtocol {
  readonly setup: DurableSetup;
  readonly phase: DurablePhase;
  readonly result: DurableTime;
}

/** Sends; resolves when the broker has confirmed all. */
type Produce = (phase: DurablePhase) => Promise<void>;
/** Receives; resolves when all were received once, and acknowledged. */
type Consume = (phase: DurablePhase) => Promise<void>;

/** One end of a driver. */
interface End<Run> {
  readonly run: Run;
  close(): Promise<void>;
}

/** A peer: how it sends, and how it receives. */
export interface Driver {
  producer(setup: DurableSetup): Promise<End<Produce>>;
  consumer(setup: DurableSetup): Promise<End<Consume>>;
}

export const topicName = 'detections';
/** How many messages are read and acknowledged together, at most, by all that can. */
export const batchSize = 256;

/** What is sent: about 110 bytes of JSON. */
export interface Detection {
  readonly phase: number;
  readonly n: number;
  readonly camera: string;
  readonly label: string;
  readonly score: number;
  readonly box: readonly number[];
}

export function detection(phase: number, n: number): Detection {
  return { phase, n, camera: 'north gate', label: 'person', score: 0.8765, box: [n % 1920, n % 1080, 64, 128] };
}

/** The numbers of a phase, in batches of so many. */
export function* batches({ count }: DurablePhase, { inFlight }: DurableSetup): Generator<number[]> {
  for (let from = 0; from < count; from += inFlight) yield Array.from({ length: Math.min(inFlight, count - from) }, (_, i) => from + i);
}

/** Checks that each message of a phase comes exactly once. */
export class Tally {
  readonly #phase: DurablePhase;
  readonly #seen: Uint8Array;
  #missing: number;

  constructor(phase: DurablePhase) {
    this.#phase = phase;
    this.#seen = new Uint8Array(phase.count);
    this.#missing = phase.count;
  }

  get complete(): boolean {
    return this.#missing === 0;
  }

  add({ phase, n }: Detection): void {
    if (phase !== this.#phase.phase || this.#seen[n] !== 0)
      throw new Error(`message ${phase}-${n} came twice, or in phase ${this.#phase.phase}`);
    this.#seen[n] = 1;
    this.#missing--;
  }
}
