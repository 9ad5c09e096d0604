import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Delivery } from '../flow/delivery.js';
import { assertProperty, checkRuns, inputsOf } from './pipelines/assertProperty.js';
import type { PipelineCheckOptions } from './pipelines/assertProperty.js';
import { runDurable, unsettled } from './pipelines/durableRun.js';
import type { DurableReport } from './pipelines/durableRun.js';
import { endOfPipeline, Failures } from './pipelines/endOfPipeline.js';
import type { CheckedPipeline } from './pipelines/endOfPipeline.js';

/** Options of {@link checkNoLoss}. */
export interface NoLossOptions<In, Out> extends PipelineCheckOptions<In> {
  /** Most open messages. A pipeline that drops what is replaced needs 1 to have `outputs`. @defaultValue 2, 4 or 64 */
  readonly prefetch?: number;
  /** What each input must give, at least once, unless it is dead-lettered. @defaultValue not checked */
  readonly outputs?: (input: In) => readonly Out[];
}

interface Case<In> {
  readonly inputs: readonly In[];
  readonly prefetch: number;
  readonly maxDeliveries: number;
  readonly cuts: readonly number[];
  readonly failures: readonly number[];
  readonly refusals: readonly number[];
}

/** What one run showed besides the counts of the broker. */
interface Seen<Out> {
  /** Deliveries for which something threw. */
  readonly failed: Set<string>;
  readonly early: Set<string>;
  readonly outputs: Out[];
  /** Count their calls over all subscriptions of the run. */
  work?: Failures;
  end?: Failures;
}

/**
 * Checks that a pipeline behind a DURABLE topic loses nothing: random messages, subscriptions that are cut off at random
 * moments as a crash cuts them off, failures of its work and of what comes after it, and retries. Each message must be
 * acked or dead-lettered, each delivery settled exactly once, none before its values are through or after its work failed.
 *
 * @param pipeline - an operator; it may take `{ mayFail }` as its second parameter.
 * @throws Error with the seed, the smallest case, and what went wrong in it.
 * @example
 * ```ts
 * test('plates loses nothing', () => checkNoLoss((numbers: Observable<number>) => numbers.pipe(mapAsync(read))));
 * ```
 */
export async function checkNoLoss<In, Out>(pipeline: CheckedPipeline<In, Out>, options: NoLossOptions<In, Out> = {}): Promise<void> {
  checkRuns('checkNoLoss', options);
  const { maxMessages = 20, prefetch, outputs, timeoutMs = 1_000 } = options;
  const calls = fc.uniqueArray(fc.nat({ max: 2 * maxMessages }), { maxLength: 5 });
  const cases: fc.Arbitrary<Case<In>> = fc.record({
    inputs: fc.array(inputsOf(options), { minLength: 1, maxLength: maxMessages, size: 'max' }),
    prefetch: prefetch === undefined ? fc.constantFrom(2, 4, 64) : fc.constant(prefetch),
    maxDeliveries: fc.constantFrom(1, 2, 100),
    cuts: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
    failures: calls,
    refusals: calls,
  });
  await assertProperty(cases, options, async (example) => {
    const seen: Seen<Out> = { failed: new Set(), early: new Set(), outputs: [] };
    const report = await runCase(pipeline, example, seen, timeoutMs);
    return [...unsettled(report), ...wronglyAcked(report, seen), ...(outputs ? missing(example.inputs, report, seen, outputs) : [])];
  });
}

/** One run of a case, with what it showed. */
function runCase<In, Out>(
  pipeline: CheckedPipeline<In, Out>,
  example: Case<In>,
  seen: Seen<Out>,
  timeoutMs: number,
): Promise<DurableReport> {
  return runDurable<In>(
    example,
    (source, broker) => {
      const failed = (delivery: Delivery | undefined): void => {
        const name = broker.deliveryOf(delivery?.id);
        if (name !== undefined) seen.failed.add(name);
      };
      const work = (seen.work ??= new Failures(example.failures, failed));
      const end = (seen.end ??= new Failures(example.refusals, failed));
      return pipeline(source, work).pipe(
        endOfPipeline<Out>({
          arrived: (_, delivery) => {
            if (delivery?.settled) seen.early.add(broker.deliveryOf(delivery.id) ?? 'of several messages');
          },
          refuses: (delivery) => end.due(delivery),
          accepted: (value) => seen.outputs.push(value),
        }),
      );
    },
    timeoutMs,
  );
}

function wronglyAcked<Out>({ outcomes }: DurableReport, { failed, early }: Seen<Out>): string[] {
  return [
    ...[...early].map(
      (name) => `delivery ${name} was settled before its value had come through the pipeline: a crash between the two loses it`,
    ),
    ...[...failed]
      .filter((name) => (outcomes.get(name)?.acked ?? 0) > 0)
      .map((name) => `delivery ${name} was acked, though the work on it failed: the failure was swallowed`),
  ];
}

/** Outputs that never came, though the messages that should give them were acked. */
function missing<In, Out>(
  inputs: readonly In[],
  { deadSeqs }: DurableReport,
  { outputs }: Seen<Out>,
  outputsOf: (input: In) => readonly Out[],
): string[] {
  const left = [...outputs];
  return inputs.flatMap((input, index) => {
    if (deadSeqs.has(index + 1)) return [];
    return outputsOf(input).flatMap((output) => {
      const at = left.findIndex((value) => isDeepStrictEqual(value, output));
      if (at >= 0) left.splice(at, 1);
      return at >= 0 ? [] : [`message ${index + 1} was acked, but its output ${inspect(output)} never came`];
    });
  });
}
