import fc from 'fast-check';
import type { OperatorFunction } from 'rxjs';
import { scheduleArbitrary } from '../check/arbitrary.js';
import { formatSchedule } from '../check/schedule.js';
import { encodeValue } from '../codec.js';
import type { OutgoingMessage } from '../message.js';
import { operatorOf, stepsArbitrary } from './pipelines/steps.js';
import type { Item, PipelineStep } from './pipelines/steps.js';

/**
 * A random message, as brokers take it. Ids repeat only where a list of messages is drawn from more than one arbitrary.
 *
 * @example
 * ```ts
 * test('its payload comes back', () =>
 *   fc.assert(
 *     fc.asyncProperty(messages(), async (sent) => {
 *       const broker = new MemoryBroker();
 *       await broker.declare({ topic: 't', groups: ['g'] });
 *       await broker.push('t', sent);
 *       const [got] = await broker.pop('t', { group: 'g', consumer: 'c', count: 1, waitMs: 0 });
 *       expect(got?.payload).toEqual(sent.payload);
 *     }),
 *   ));
 * ```
 */
export function messages<T>(values: fc.Arbitrary<T>): fc.Arbitrary<OutgoingMessage>;
export function messages(): fc.Arbitrary<OutgoingMessage>;
export function messages(
  values: fc.Arbitrary<unknown> = fc.record({ number: fc.integer(), data: fc.uint8Array({ maxLength: 64 }) }),
): fc.Arbitrary<OutgoingMessage> {
  return fc
    .record({ id: fc.uuid(), time: fc.integer({ min: 0, max: 4_102_444_800_000 }), value: values })
    .map(({ id, time, value }) => ({ id, time, ...encodeValue(value) }));
}

/** A random pipeline: its operator, and its steps as the report of a failing property prints them. */
export interface RandomPipeline {
  readonly steps: readonly PipelineStep[];
  /** Takes and gives lists of the numbers of the messages that a value stands for: `[3]`, or `[3, 4]` behind a batch. */
  readonly operator: OperatorFunction<Item, Item>;
  /** Its steps, as a failing case prints them. */
  toString(): string;
}

/**
 * Random pipelines of RxJS operators (map, filter, scan, …) and of EdgeFlow's (mapAsync, latestMap, batch, leased).
 *
 * @example
 * ```ts
 * test('every pipeline loses nothing', () =>
 *   fc.assert(
 *     fc.asyncProperty(pipelines(), ({ operator }) =>
 *       checkNoLoss((values: Observable<number>) => values.pipe(map((value) => [value]), operator), { runs: 1 }),
 *     ),
 *     { numRuns: 3 },
 *   ));
 * ```
 */
export function pipelines(): fc.Arbitrary<RandomPipeline> {
  return stepsArbitrary({ syncFailures: false }).map((steps) => ({
    steps,
    operator: operatorOf(steps),
    toString: () => steps.map(({ kind }) => kind).join(' | '),
  }));
}

/** Options of {@link schedules}. */
export interface SchedulesOptions {
  /** Most faults. @defaultValue 3 */
  readonly maxFaults?: number;
  /** Latest time of a fault, in milliseconds. @defaultValue 5000 */
  readonly withinMs?: number;
  /** Whether the broker's servers may be restarted. @defaultValue false */
  readonly restarts?: boolean;
}

/**
 * Random schedules of faults, as `edgeflow check --schedule` takes them.
 *
 * @param nodes - names of nodes, or names with their count of replicas.
 * @example
 * ```ts
 * fc.sample(schedules(['camera', { name: 'yolo', replicas: 2 }]), 3) // such as 'kill yolo@1+250'
 * ```
 */
export function schedules(
  nodes: readonly (string | { readonly name: string; readonly replicas: number })[],
  { maxFaults = 3, withinMs = 5_000, restarts = false }: SchedulesOptions = {},
): fc.Arbitrary<string> {
  const targets = {
    nodes: nodes.map((node) => (typeof node === 'string' ? { name: node, replicas: 1 } : node)),
    restartable: restarts,
  };
  return scheduleArbitrary(fc, targets, { maxFaults, withinMs }).map(formatSchedule);
}
