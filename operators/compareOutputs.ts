import { emitTogether, EdgeFlowError, leasingOperator } from 'edgeflow';
import { defer, map, merge, tap } from 'rxjs';
import type { Observable } from 'rxjs';
import { sameOutputs } from './streams/sameOutputs.js';
import { checkCount, checkSpan } from './checks.js';
import type { Held } from './streams/held.js';
import { WaitingByKey } from './streams/waitingByKey.js';

/** How the values of two inputs compared so far. */
export interface ComparisonCounts {
  /** Pairs that are equal. */
  readonly same: number;
  /** Pairs that are not. */
  readonly different: number;
  /** Values that have no partner among the candidate's: it skipped their frames, or is behind. */
  readonly onlyLive: number;
  /** Values of the candidate that have no partner. */
  readonly onlyCandidate: number;
}

/** What {@link compareOutputs} emits for two values of the same key. */
export interface Comparison<T> {
  readonly key: string;
  readonly live: T;
  readonly candidate: T;
  readonly same: boolean;
  /** This pair included. */
  readonly counts: ComparisonCounts;
}

/** A value that {@link compareOutputs} let go alone. */
export interface Unpaired<T> {
  readonly input: 'live' | 'candidate';
  readonly key: string;
  readonly value: T;
  /** This value included. */
  readonly counts: ComparisonCounts;
}

/** Options of {@link compareOutputs}. */
export interface CompareOutputsOptions<T> {
  /** What two values that belong together have in common. @defaultValue their frame: properties `source` and `index` */
  readonly key?: (value: T) => string;
  /**
   * Whether two values say the same.
   * @defaultValue `sameDetections()` for detections, the same content for others
   */
  readonly equal?: (live: T, candidate: T) => boolean;
  /** How long a value waits for its partner, in milliseconds. @defaultValue 5000 */
  readonly waitMs?: number;
  /** Most values of each input that wait; the oldest is let go. @defaultValue 256 */
  readonly maxPending?: number;
  /** Called for each value that is let go alone. */
  readonly onUnpaired?: (unpaired: Unpaired<T>) => void;
}

const inputs = ['live', 'candidate'] as const;
type Input = (typeof inputs)[number];

interface Tagged<T> {
  readonly input: Input;
  readonly value: T;
}

/**
 * Compares what two nodes made of the same frames: the one that counts, and one that is tried out.
 *
 * ```
 * live       --1---2---3---4---|
 * candidate  ----1-------3---4-|
 *            compareOutputs({ live, candidate })
 * out        ----1-------3---4-|      2 is let go: the candidate skipped it
 * ```
 *
 * Values belong together by their key, in whatever order they come. A frame that one of the two did not see is no difference;
 * it is counted apart. Values that wait do not count against `prefetch` or `concurrency` of their sources.
 *
 * - **Emits** a comparison for each pair, equal or not, with the counts so far.
 * - **Settles** the deliveries of a pair together, when its comparison has been dealt with; a value without a partner when it is let
 *   go. Where the work on a comparison fails, what comes again of its messages is compared, and counted, again.
 * - **Fails** the delivery of a value without a key (`VALUE_INVALID`), and with what `key`, `equal` or `onUnpaired` throws; with
 *   the first input that fails.
 * - **Completes** when both inputs have. When one has, the values of the other wait no longer.
 *
 * @returns the stream of comparisons.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * export default defineNode((_, { input }) =>
 *   compareOutputs({ live: input<Detections>('yolo'), candidate: input<Detections>('yolo-next') }),
 * );
 * ```
 */
export function compareOutputs<T>(
  { live, candidate }: { readonly live: Observable<T>; readonly candidate: Observable<T> },
  { key: keyOf = frameOf, equal = sameOutputs, waitMs = 5_000, maxPending = 256, onUnpaired }: CompareOutputsOptions<T> = {},
): Observable<Comparison<T>> {
  checkSpan('compareOutputs', 'waitMs', waitMs);
  checkCount('compareOutputs', 'maxPending', maxPending);

  return defer(() => {
    const counts = { same: 0, different: 0, onlyLive: 0, onlyCandidate: 0 };
    /** Set when the operator starts, before its sources. */
    let ended: (input: Input) => void = () => undefined;

    const comparing = leasingOperator<Tagged<T>, Comparison<T>>('compareOutputs', (output) => {
      const over = { live: false, candidate: false };
      const letGo = (input: Input, key: string, { value, lease }: Held<T>): void => {
        counts[input === 'live' ? 'onlyLive' : 'onlyCandidate']++;
        try {
          onUnpaired?.({ input, key, value, counts: { ...counts } });
        } catch (error) {
          lease.fail(error);
          return;
        }
        lease.release();
      };
      const waitingOf = (input: Input): WaitingByKey<T> =>
        new WaitingByKey({ maxPending, waitMs, onLetGo: (key, held) => letGo(input, key, held) });
      const waiting = { live: waitingOf('live'), candidate: waitingOf('candidate') };
      const compare = (key: string, one: Held<T>, other: Held<T>): void => {
        const leases = [one.lease, other.lease];
        let same: boolean;
        try {
          same = equal(one.value, other.value);
        } catch (error) {
          for (const lease of leases) lease.fail(error);
          return;
        }
        counts[same ? 'same' : 'different']++;
        emitTogether(output, { key, live: one.value, candidate: other.value, same, counts: { ...counts } }, leases, key);
      };
      ended = (input) => {
        over[input] = true;
        waiting[input === 'live' ? 'candidate' : 'live'].letGoAll();
      };

      return {
        next: ({ input, value }, lease) => {
          const other = input === 'live' ? 'candidate' : 'live';
          const held = { value, lease };
          let key: string;
          try {
            key = keyOf(value);
          } catch (error) {
            lease.fail(error);
            return;
          }
          const partner = waiting[other].take(key);
          if (partner && input === 'live') compare(key, held, partner);
          else if (partner) compare(key, partner, held);
          else if (over[other]) letGo(input, key, held);
          else waiting[input].add(key, held);
        },
        teardown: () => {
          for (const input of inputs) waiting[input].stop();
        },
      };
    });
    const tagged = (input: Input, values: Observable<T>): Observable<Tagged<T>> =>
      values.pipe(
        map((value) => ({ input, value })),
        tap({ complete: () => ended(input) }),
      );
    return merge(tagged('live', live), tagged('candidate', candidate)).pipe(comparing);
  });
}

function frameOf(value: unknown): string {
  const { source, index } = (value ?? {}) as { readonly source?: unknown; readonly index?: unknown };
  if (typeof source === 'string' && typeof index === 'number') return `${source} ${index}`;
  throw new EdgeFlowError(
    'VALUE_INVALID',
    `compareOutputs: a value has source ${String(source)} and index ${String(index)}; expected text and a number, as frames and detections have them: say by the option 'key' which values belong together`,
  );
}
