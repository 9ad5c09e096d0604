import type { MeasuredTarget } from './report.js';

/** A target of an earlier run; one without rounds of its own has a single ratio. */
export type Earlier = Pick<MeasuredTarget, 'statement' | 'ratio'> & Partial<Pick<MeasuredTarget, 'min' | 'max'>>;

/** A ratio that was better. */
export interface Fall {
  readonly statement: string;
  readonly before: number;
  readonly now: number;
}

/**
 * The ratios that fell since an earlier run. One has fallen when its median lies more than `tolerance` below the earlier
 * one (0.25: a quarter), and its best round below the worst of then: noise alone rarely does both.
 *
 * @param now - targets of this run; those that the earlier run did not have are passed over, and so are those of the
 * earlier run that this machine can't measure.
 */
export function fallen(now: readonly MeasuredTarget[], earlier: readonly Earlier[], tolerance: number): Fall[] {
  return now.flatMap(({ statement, ratio, max }) => {
    const before = earlier.find((target) => target.statement === statement);
    if (!before) return [];
    const kept = ratio >= before.ratio * (1 - tolerance) || max >= (before.min ?? before.ratio);
    return kept ? [] : [{ statement, before: before.ratio, now: ratio }];
  });
}
