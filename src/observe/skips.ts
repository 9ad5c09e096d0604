/**
 * Why a message of a REALTIME link was not worked on.
 *
 * - `busy`: a newer one replaced it while the consumer was at work.
 * - `stale`: it was passed over although the consumer was not at work: the reader was behind, as after a start or a pause.
 * - `expired`: it was delivered, and dropped for its age, as `freshWithin` does.
 * - `gone`: its payload was gone. Told with the next message that comes; until then it counts as `stale`.
 */
export type SkipReason = 'busy' | 'stale' | 'expired' | 'gone';

/** What was skipped, by reason. */
export type SkipCounts = Readonly<Record<SkipReason, number>>;

export const noSkips: SkipCounts = { busy: 0, stale: 0, expired: 0, gone: 0 };

export function addSkips(one: SkipCounts, other: SkipCounts): SkipCounts {
  return {
    busy: one.busy + other.busy,
    stale: one.stale + other.stale,
    expired: one.expired + other.expired,
    gone: one.gone + other.gone,
  };
}

/**
 * Splits what a broker counted by what workers told of it. The broker's count is the truth: what no worker has told of, such as
 * what was passed over while none lived, or what a killed one did not get to tell, is `stale`.
 *
 * @param skipped - as the broker counted it, without those that expired.
 */
export function attributeSkips(skipped: number, told: SkipCounts): Omit<SkipCounts, 'expired'> {
  const gone = Math.min(told.gone, skipped);
  const busy = Math.min(told.busy, skipped - gone);
  return { busy, stale: skipped - gone - busy, gone };
}
