import type fastCheck from 'fast-check';
import { EdgeFlowError } from '../errors.js';
import type { Fault, FaultTargets } from './schedule.js';

/** The package, which users install if they want it. */
export type FastCheck = typeof fastCheck;

/** Bounds of random schedules. */
export interface ScheduleBounds {
  /** Most faults. */
  readonly maxFaults: number;
  /** Latest time of a fault. */
  readonly withinMs: number;
}

/** Times are drawn in steps, so that a schedule shrinks in few runs. */
const stepMs = 100;
const longestMs = 4_000;

/**
 * Imports fast-check.
 *
 * @throws EdgeFlowError `DEPENDENCY_MISSING`
 */
export async function loadFastCheck(): Promise<FastCheck> {
  try {
    const { default: loaded } = await import('fast-check');
    return loaded;
  } catch (cause) {
    throw new EdgeFlowError(
      'DEPENDENCY_MISSING',
      'random schedules need the package fast-check: install it (npm install --save-dev fast-check), or give one schedule with --schedule',
      { cause },
    );
  }
}

/** Schedules of one to `maxFaults` faults; they shrink to the fewest first, and then to earlier and shorter ones. */
export function scheduleArbitrary(
  fc: FastCheck,
  { nodes, restartable }: FaultTargets,
  { maxFaults, withinMs }: ScheduleBounds,
): fastCheck.Arbitrary<Fault[]> {
  const steps = (least: number, mostMs: number): fastCheck.Arbitrary<number> =>
    fc.integer({ min: least, max: Math.max(least, Math.floor(mostMs / stepMs)) }).map((count) => count * stepMs);
  // Another node is not a smaller case.
  const target = fc.noShrink(
    fc.constantFrom(...nodes.flatMap(({ name, replicas }) => Array.from({ length: replicas }, (_, replica) => ({ node: name, replica })))),
  );
  const atMs = steps(0, withinMs);
  const forMs = steps(1, Math.min(longestMs, withinMs));
  const factor = fc.noShrink(fc.integer({ min: 2, max: 8 }));
  const fault: fastCheck.Arbitrary<Fault> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('kill' as const), target, atMs }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const), target, atMs, forMs }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('slow' as const), target, atMs, forMs, factor }) },
    ...(restartable ? [{ weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const), atMs }) }] : []),
  );
  const slots = Array.from({ length: Math.max(1, maxFaults) }, () => fc.boolean());
  const used = fc.tuple(...slots).filter((mask) => mask.includes(true));
  return fc.tuple(used, fc.tuple(...slots.map(() => fault))).map(([mask, faults]) => faults.filter((_, slot) => mask[slot]));
}
