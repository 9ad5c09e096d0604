import { seqKey } from './keys.js';
import { sessionRecord } from './records.js';
import { readRow } from './tables.js';
import type { Table } from './tables.js';

/** Says that a session lives. @param now - the monotonic clock. */
export function beat(sessions: Table, session: number, now: number, visibilityMs: number): void {
  sessions.putSync(seqKey(0, session), sessionRecord.encode({ beat: now, visibilityMs }));
}

/** Whether a session has given a sign of life within its visibility time. */
export function lives(sessions: Table, session: number, now: number): boolean {
  const stored = readRow(sessions, seqKey(0, session));
  if (!stored) return false;
  const { beat: last, visibilityMs } = sessionRecord.decode(stored);
  // A beat in the future is one of an earlier boot.
  return last <= now + 1 && now - last <= visibilityMs;
}

/** Ends a session: what it had open goes to others at once. */
export function endSession(sessions: Table, session: number): void {
  sessions.removeSync(seqKey(0, session));
}
