import { compareOutputs, matchDetections } from 'edgeflow/operators';
import type { Comparison, Detection, Detections } from 'edgeflow/operators';
import { filter, map } from 'rxjs';
import type { Observable } from 'rxjs';

/** What two models say differently about one frame. */
export interface Differences {
  readonly source: string;
  readonly index: number;
  readonly time: number;
  /** Objects that both found. */
  readonly agreed: number;
  readonly onlyLive: readonly Detection[];
  readonly onlyCandidate: readonly Detection[];
}

const match = matchDetections();

/**
 * Where two models found something else in the same frame. Frames that only one of them saw are let go.
 *
 * @param patient - waits for the slower one, however far it is behind: for recordings.
 */
export function differences(
  models: { readonly live: Observable<Detections>; readonly candidate: Observable<Detections> },
  patient: boolean,
): Observable<Differences> {
  const patience = patient ? { maxPending: 1_000_000, waitMs: Infinity } : {};
  return compareOutputs(models, patience).pipe(
    filter(({ same }) => !same),
    map(told),
  );
}

function told({ live, candidate }: Comparison<Detections>): Differences {
  const { source, index, time } = live;
  const { pairs, onlyFirst, onlySecond } = match(live, candidate);
  return { source, index, time, agreed: pairs.length, onlyLive: onlyFirst, onlyCandidate: onlySecond };
}
