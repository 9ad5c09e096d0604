import type { Bell } from './bells.js';
import type { Store } from './store.js';

/** What was known when there was nothing to take. Read it before you look: what comes in between must not be missed. */
export interface Known {
  /** Number of the store's last commit. */
  readonly commit: number;
  /** Strokes of the bells that say when there is something. */
  readonly heard: number;
}

/** A look is taken at least this often, whatever is known. */
const lookAgainMs = 1_000;

/**
 * Remembers where there was nothing to take. Who waits looks again now and then, in case a bell was missed; while nobody
 * commits, no bell rings and nothing becomes due, it would find the same.
 *
 * The last commit alone does not tell: lmdb shows its number a moment before a reader sees what it changed. The bell rings
 * after that moment, so this is for those who hear it.
 */
export class Quiet {
  readonly #found = new Map<string, Known & { readonly until: number }>();

  /** When the quiet of before ends by itself, on the monotonic clock; undefined where it is over, or never was. */
  until(key: string, { commit, heard }: Known, now: number): number | undefined {
    const found = this.#found.get(key);
    return found?.commit === commit && found.heard === heard && now < found.until ? found.until : undefined;
  }

  /** Notes that there was nothing, and when something becomes due. */
  note(key: string, { commit, heard }: Known, now: number, nextDue: number): void {
    this.#found.set(key, { commit, heard, until: Math.min(nextDue, now + lookAgainMs) });
  }
}

/** What a look can be compared with later; undefined where bells of other processes are not heard. */
export function knownNow(store: Store, topic: string, kinds: readonly Bell[], heard: number): Known | undefined {
  return store.bells.watched(topic, kinds) ? { commit: store.lastCommit, heard } : undefined;
}
