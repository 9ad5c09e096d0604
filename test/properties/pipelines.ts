import { map } from 'rxjs';
import { runDurable, unsettled } from '#src/testing/pipelines/durableRun.js';
import type { DurableReport } from '#src/testing/pipelines/durableRun.js';
import { edgeflowOperators, operatorOf } from '#src/testing/pipelines/steps.js';
import type { Item, PipelineOperators, PipelineStep } from '#src/testing/pipelines/steps.js';

export interface Case {
  readonly steps: readonly PipelineStep[];
  readonly count: number;
  readonly prefetch: number;
  /** How often the failing steps throw for a message, by its number. */
  readonly failures: ReadonlyMap<number, number>;
  readonly maxDeliveries: number;
  /** The first subscriptions are unsubscribed after so many turns of the event loop. */
  readonly cuts: readonly number[];
}

export interface Report extends DurableReport {
  /** Deliveries on whose branch a step threw. */
  readonly thrown: ReadonlySet<string>;
  /** Those of them where `map` threw. */
  readonly thrownBySync: ReadonlySet<string>;
}

/** Runs a pipeline of steps on the numbers from 0 to `count` - 1, with failures by number. */
export async function runPipeline(
  { steps, count, prefetch, failures, maxDeliveries, cuts }: Case,
  operators: PipelineOperators = edgeflowOperators,
  timeoutMs = 10_000,
): Promise<Report> {
  const thrown = new Set<string>();
  const thrownBySync = new Set<string>();
  const left = new Map(failures);
  const inputs = Array.from({ length: count }, (_, index) => index);
  const report = await runDurable(
    { inputs, prefetch, maxDeliveries, cuts },
    (source, broker) => {
      const mayFail = (item: Item, where: 'sync' | 'async'): void => {
        const due = item.filter((number) => (left.get(number) ?? 0) > 0);
        if (due.length === 0) return;
        for (const number of due) left.set(number, (left.get(number) ?? 0) - 1);
        for (const number of item) {
          thrown.add(broker.lastDelivery(number + 1));
          if (where === 'sync') thrownBySync.add(broker.lastDelivery(number + 1));
        }
        throw new Error(`injected for ${item.join()}`);
      };
      return source.pipe(
        map((number): Item => [number]),
        operatorOf(steps, mayFail, operators),
      );
    },
    timeoutMs,
  );
  return { ...report, thrown, thrownBySync };
}

/** What went wrong with the deliveries of a run, in words; empty when nothing did. */
export function faults(report: Report, calm: boolean): string[] {
  const { outcomes, thrown, thrownBySync } = report;
  const found = unsettled(report);
  for (const [key, { acked, nacked }] of outcomes) {
    if (nacked > 0 && !thrown.has(key)) found.push(`${key} failed, though no step threw`);
    if (nacked === 0 && (calm ? thrown : thrownBySync).has(key)) found.push(`${key} did not fail, though a step threw`);
    if (acked > 0 && thrown.has(key)) found.push(`${key} was acked, though a step threw`);
  }
  return found;
}
