import { randomInt } from 'node:crypto';
import { hasCode } from '../../errors.js';
import type { Change } from './change.js';
import { monotonicMs } from './clock.js';
import { beat, endSession } from './sessions.js';
import type { Store } from './store.js';

/** How often a client shows that it lives. */
const beatsPerVisibility = 4;
const leastBeatMs = 20;
const mostBeatMs = 5_000;

/** What one client needs of its broker. */
export interface Client {
  /** The store, opened at first use. @throws EdgeFlowError `BROKER_CLOSED` */
  readonly use: () => Store;
  readonly session: OwnSession;
  /** Aborted when the broker is closed. */
  readonly closing: AbortSignal;
}

/** The session of one client: while it beats, what the client has open stays its own. */
export class OwnSession {
  readonly number = randomInt(1, 2 ** 47);
  readonly visibilityMs: number;
  readonly #use: () => Store;
  readonly #closing: AbortSignal;
  #beat: NodeJS.Timeout | undefined;

  constructor({ use, closing }: Omit<Client, 'session'>, visibilityMs: number) {
    this.#use = use;
    this.#closing = closing;
    this.visibilityMs = visibilityMs;
  }

  /** Whether it beats by itself. */
  get beats(): boolean {
    return this.#beat !== undefined;
  }

  /** How long a client may be dead before others look. */
  get reapEveryMs(): number {
    return this.visibilityMs / beatsPerVisibility;
  }

  /** Says that this client lives, now and from now on. */
  live({ tables }: Pick<Change, 'tables'>): void {
    const say = (): void => {
      beat(tables.sessions, this.number, monotonicMs(), this.visibilityMs);
    };
    say();
    if (this.#beat) return;
    const everyMs = Math.min(mostBeatMs, Math.max(leastBeatMs, this.reapEveryMs));
    this.#beat = setInterval(() => {
      if (!this.#closing.aborted) void this.#again(say);
    }, everyMs);
    this.#beat.unref();
  }

  async #again(say: (change: Change) => void): Promise<void> {
    try {
      await this.#use().change(say, 'sometime');
    } catch (error) {
      warn(error);
      // Of a store that was deleted: once is enough.
      if (hasCode(error, 'BROKER_CORRUPT')) this.rest();
    }
  }

  /** No further beat. */
  rest(): void {
    clearInterval(this.#beat);
  }

  /** Without its session, what this client had open goes to others at once. */
  end({ tables }: Pick<Change, 'tables'>): void {
    endSession(tables.sessions, this.number);
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { code: 'EDGEFLOW_HEARTBEAT' });
}
