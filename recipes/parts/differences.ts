import { iou, joinByTime } from 'edgeflow/operators';
import type { Detection, Detections } from 'edgeflow/operators';
import { map } from 'rxjs';
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

/** Whether there are any. */
export function differ({ onlyLive, onlyCandidate }: Differences): boolean {
  return onlyLive.length + onlyCandidate.length > 0;
}

/**
 * Compares what two models found in the same frames. Frames that only one of them saw are let go.
 *
 * @param patient - waits for the slower one, however far it is behind: for recordings.
 */
export function compareModels(live: Observable<Detections>, candidate: Observable<Detections>, patient: boolean): Observable<Differences> {
  const patience = patient ? { maxPending: 1_000_000, idleMs: Infinity } : {};
  return joinByTime({ live, candidate }, { toleranceMs: 0, ...patience }).pipe(map((found) => differences(found.live, found.candidate)));
}

/**
 * What is different in one frame. Objects are the same that have one label and overlap by at least `leastIou`; each is paired once,
 * those first that overlap most.
 */
export function differences(live: Detections, candidate: Detections, leastIou = 0.5): Differences {
  const pairs = live.objects.flatMap((one) =>
    candidate.objects.filter(({ label }) => label === one.label).map((other) => ({ one, other, overlap: iou(one.box, other.box) })),
  );
  const onlyLive = new Set(live.objects);
  const onlyCandidate = new Set(candidate.objects);
  for (const { one, other } of pairs.filter(({ overlap }) => overlap >= leastIou).toSorted((a, b) => b.overlap - a.overlap)) {
    if (!onlyLive.has(one) || !onlyCandidate.has(other)) continue;
    onlyLive.delete(one);
    onlyCandidate.delete(other);
  }
  const { source, index, time } = live;
  const agreed = live.objects.length - onlyLive.size;
  return { source, index, time, agreed, onlyLive: [...onlyLive], onlyCandidate: [...onlyCandidate] };
}
