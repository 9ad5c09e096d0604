import { defineNode } from 'edgeflow';
import { logTo } from 'edgeflow/operators';
import type { Detections } from 'edgeflow/operators';
import { tap } from 'rxjs';

/** Options of the demo's logger. */
export interface DemoLoggerOptions {
  /** File that gets a JSON line for each frame that the detector saw. */
  readonly file: string;
}

export default defineNode<Detections, Detections, DemoLoggerOptions>((detections, { options: { file }, show }) => {
  const totals = new Map<string, number>();
  return detections.pipe(
    logTo(file, { maxBytes: 50_000_000 }),
    tap(({ objects }) => {
      for (const { label } of objects) totals.set(label, (totals.get(label) ?? 0) + 1);
      show([...totals].map(([label, count]) => `${count} × ${label}`).join(', '));
    }),
  );
});
