import { EdgeFlowError } from 'edgeflow';
import { checkAtLeast } from '../checks.js';
import { Backoff, pause } from '../ffmpeg/reconnect.js';

/** Options that all sinks share whose target may be down. */
export interface PatienceOptions {
  /**
   * How long a value waits for a target that is down, in milliseconds. Its delivery fails after that: a DURABLE message is
   * then tried again and dead-lettered in the end, a REALTIME one makes room for the newest. @defaultValue Infinity
   */
  readonly patienceMs?: number;
}

/** Why a target could not do its work for anybody, and when it wants to be asked again. */
export interface Outage {
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
}

/** Options of a {@link Target}. */
export interface TargetSettings {
  /** The operator, as users write it. */
  readonly operator: string;
  /** The target, without credentials. */
  readonly label: string;
  readonly patienceMs: number;
  /** Code of the error when patience is over, and of the warning. */
  readonly code: 'SINK_UNREACHABLE' | 'STORE_FAILED';
}

const firstDelayMs = 200;
const longestDelayMs = 30_000;

/** Something outside that may be down for an hour: work on it is repeated, and said once when it goes and when it is back. */
export class Target {
  readonly #settings: TargetSettings;
  #downSince: number | undefined;

  constructor(settings: TargetSettings) {
    this.#settings = settings;
  }

  /**
   * Does the work, again and again while the target is down.
   *
   * @param outageOf - whether an error says that the target is down; others are thrown.
   * @throws EdgeFlowError with the target's code when patience is over.
   */
  async reach<R>(work: () => R | PromiseLike<R>, outageOf: (error: unknown) => Outage | undefined, signal: AbortSignal): Promise<R> {
    const startedAt = performance.now();
    const ended = (): boolean => signal.aborted;
    const backoff = new Backoff({ initialDelayMs: firstDelayMs, maxDelayMs: longestDelayMs });
    for (;;) {
      try {
        const result = await work();
        this.up();
        return result;
      } catch (error) {
        const outage = outageOf(error);
        if (!outage || ended()) throw error;
        this.down(outage.reason);
        const leftMs = this.#settings.patienceMs - (performance.now() - startedAt);
        const delayMs = Math.max(outage.retryAfterMs ?? 0, backoff.next()?.delayMs ?? 0);
        if (delayMs >= leftMs) throw this.givenUp(outage.reason, error);
        await pause(delayMs, signal);
        if (ended()) throw error;
      }
    }
  }

  /** The error for a value that has waited long enough. */
  givenUp(reason: string, cause?: unknown): EdgeFlowError {
    const { operator, label, patienceMs, code } = this.#settings;
    const message = `${operator}: ${label} was down for longer than patienceMs (${patienceMs}): ${reason}`;
    return code === 'STORE_FAILED'
      ? new EdgeFlowError('STORE_FAILED', message, { cause })
      : new EdgeFlowError('SINK_UNREACHABLE', message, { cause });
  }

  /** Notes that the target is down, and says so the first time. */
  down(reason: string): void {
    if (this.#downSince !== undefined) return;
    this.#downSince = performance.now();
    this.#say(`is down: ${reason}; what is delivered waits`);
  }

  /** Notes that the target works, and says so when it did not. */
  up(): void {
    if (this.#downSince === undefined) return;
    const seconds = Math.round((performance.now() - this.#downSince) / 1000);
    this.#downSince = undefined;
    this.#say(`is back after ${seconds} s`);
  }

  #say(what: string): void {
    const { operator, label, code } = this.#settings;
    process.emitWarning(`${operator}: ${label} ${what}`, { type: 'EdgeFlowWarning', code });
  }
}

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function checkPatience(operator: string, patienceMs: number): void {
  checkAtLeast(operator, 'patienceMs', patienceMs, 0);
}
