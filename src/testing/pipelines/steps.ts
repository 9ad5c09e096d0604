import fc from 'fast-check';
import { bufferCount, delay, distinctUntilChanged, filter, map, scan, tap } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { batch } from '../../flow/batch.js';
import { latestMap } from '../../flow/latestMap.js';
import { leased } from '../../flow/leased.js';
import { mapAsync } from '../../flow/mapAsync.js';
import type { AsyncWork } from '../../flow/mapAsync.js';

/** What flows through a random pipeline: the numbers of the messages that it stands for. */
export type Item = readonly number[];

/** The asynchronous operators that random pipelines are made of; another can take the place of EdgeFlow's. */
export interface PipelineOperators {
  readonly mapAsync: typeof mapAsync;
  readonly latestMap: typeof latestMap;
  readonly batch: typeof batch;
  readonly leased: typeof leased;
}

export const edgeflowOperators: PipelineOperators = { mapAsync, latestMap, batch, leased };

/** One operator of a random pipeline. */
export type PipelineStep =
  | { readonly kind: 'map' | 'scan' | 'tap' | 'distinctUntilChanged' | 'delay'; readonly fails: boolean }
  | { readonly kind: 'filter' | 'bufferCount' | 'batch'; readonly size: number; readonly fails: boolean }
  | { readonly kind: 'latestMap'; readonly fails: boolean }
  | { readonly kind: 'mapAsync'; readonly concurrency: number; readonly ordered: boolean; readonly fails: boolean };

/** @param syncFailures - whether `map` may throw, which ends the stream. */
export function stepsArbitrary({ syncFailures }: { readonly syncFailures: boolean }): fc.Arbitrary<PipelineStep[]> {
  const size = fc.integer({ min: 2, max: 5 });
  const never = fc.constant(false);
  return fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('map' as const), fails: syncFailures ? fc.boolean() : never }),
      fc.record({
        kind: fc.constantFrom('scan' as const, 'tap' as const, 'distinctUntilChanged' as const, 'delay' as const),
        fails: never,
      }),
      fc.record({ kind: fc.constantFrom('filter' as const, 'bufferCount' as const, 'batch' as const), size, fails: never }),
      fc.record({ kind: fc.constant('latestMap' as const), fails: fc.boolean() }),
      fc.record({ kind: fc.constant('mapAsync' as const), concurrency: size, ordered: fc.boolean(), fails: fc.boolean() }),
    ),
    { minLength: 1, maxLength: 6 },
  );
}

/** Called by steps that may fail, with what they work on; throws to make them. */
export type MayFail = (item: Item, where: 'sync' | 'async') => void;

/** The operator that steps describe. */
export function operatorOf(
  steps: readonly PipelineStep[],
  mayFail: MayFail = () => undefined,
  operators: PipelineOperators = edgeflowOperators,
): OperatorFunction<Item, Item> {
  return (source) => steps.reduce<Observable<Item>>((values, step) => values.pipe(stepOperator(step, mayFail, operators)), source);
}

function stepOperator(step: PipelineStep, mayFail: MayFail, operators: PipelineOperators): OperatorFunction<Item, Item> {
  const work = async (item: Item, { signal }: AsyncWork): Promise<Item> => {
    for (let turns = (item[0] ?? 0) % 3; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    // After an unsubscribe the item is in work anew, by another delivery.
    if (step.fails && !signal.aborted) mayFail(item, 'async');
    return item;
  };
  const flat = map((items: Item[]): Item => items.flat());
  switch (step.kind) {
    case 'map':
      return map((item) => {
        if (step.fails) mayFail(item, 'sync');
        return item;
      });
    case 'scan':
      return scan((_, item) => item);
    case 'tap':
      return tap();
    case 'distinctUntilChanged':
      return distinctUntilChanged((a, b) => (a[0] ?? 0) >> 1 === (b[0] ?? 0) >> 1);
    case 'filter':
      return filter((item) => (item[0] ?? 0) % step.size !== 0);
    case 'delay':
      return operators.leased(delay(1), { releases: 'one' });
    case 'bufferCount':
      return (source) => source.pipe(operators.leased(bufferCount<Item>(step.size)), flat);
    case 'batch':
      return (source) => source.pipe(operators.batch(step.size, { maxWaitMs: 3 }), flat);
    case 'latestMap':
      return operators.latestMap(work);
    case 'mapAsync':
      return operators.mapAsync(work, step);
  }
}
