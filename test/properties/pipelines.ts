import type { toBroker } from 'edgeflow';
import { concatMap, map, tap } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { decodeValue } from '#src/codec.js';
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

/** What an item is published as. */
interface Output {
  /** The deliveries that it stands for. */
  readonly of: readonly string[];
  readonly copy: string;
}

/** The operators of a pipeline; with `outbox`, what comes out is published in one step with the acks. */
export interface Operators extends PipelineOperators {
  readonly outbox?: typeof toBroker;
}

export interface Report extends DurableReport {
  /** Deliveries on whose branch a step threw. */
  readonly thrown: ReadonlySet<string>;
  /** Those of them where `map` threw. */
  readonly thrownBySync: ReadonlySet<string>;
  /** What reached the outbox. */
  readonly emitted: readonly Output[];
  /** What was published. */
  readonly stored: readonly Output[];
}

/** Runs a pipeline of steps on the numbers from 0 to `count` - 1, with failures by number. */
export async function runPipeline(
  { steps, count, prefetch, failures, maxDeliveries, cuts }: Case,
  operators: Operators = edgeflowOperators,
  timeoutMs = 10_000,
): Promise<Report> {
  const thrown = new Set<string>();
  const thrownBySync = new Set<string>();
  const emitted: Output[] = [];
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
      /** Publishes each item twice, as the deliveries that it stands for; the work that comes then may still fail them. */
      const publish =
        (outbox: typeof toBroker): OperatorFunction<Item, Item> =>
        (items) =>
          items.pipe(
            concatMap((item) =>
              ['first', 'second'].map((copy) => ({ item, copy, of: item.map((number) => broker.lastDelivery(number + 1)) })),
            ),
            tap((output) => emitted.push(output)),
            outbox('out', { broker, outbox: true }),
            map(({ item }) => item),
            operatorOf([{ kind: 'mapAsync', concurrency: 3, ordered: true, fails: true }], mayFail, operators),
          );
      const items = source.pipe(
        map((number): Item => [number]),
        operatorOf(steps, mayFail, operators),
      );
      return operators.outbox ? items.pipe(publish(operators.outbox)) : items;
    },
    timeoutMs,
  );
  const stored = report.outputs.map((message) => decodeValue(message) as Output);
  return { ...report, thrown, thrownBySync, emitted, stored };
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

/** What went wrong with what a run published, in words: each output stands or falls with the acks of all its deliveries. */
export function outputFaults({ outcomes, emitted, stored }: Report): string[] {
  const text = ({ of: deliveries, copy }: Output): string => `${copy} output of ${deliveries.join()}`;
  const counts = new Map<string, number>();
  for (const output of stored) counts.set(text(output), (counts.get(text(output)) ?? 0) + 1);
  const found: string[] = [];
  for (const output of emitted) {
    const acked = output.of.filter((key) => (outcomes.get(key)?.acked ?? 0) > 0).length;
    if (acked !== 0 && acked !== output.of.length) found.push(`of the deliveries of the ${text(output)}, ${acked} were acked`);
    const expected = acked > 0 ? 1 : 0;
    const count = counts.get(text(output)) ?? 0;
    if (count !== expected) found.push(`the ${text(output)} was published ${count} times; expected ${expected}`);
  }
  return found;
}
