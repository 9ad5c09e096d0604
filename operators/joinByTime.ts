import { emitTogether, EdgeFlowError, leasingOperator } from 'edgeflow';
import { defer, map, merge, tap } from 'rxjs';
import type { Observable } from 'rxjs';
import { checkAtLeast, checkCount, checkSpan } from './checks.js';
import { timeReader } from './streams/eventTime.js';
import type { TimeOf } from './streams/eventTime.js';
import type { Held } from './streams/held.js';
import { Idle } from './streams/idle.js';
import { Regathering } from './streams/regathering.js';
import { TimeAligner } from './streams/timeAligner.js';
import type { Timed, UnmatchedReason } from './streams/timeAligner.js';

/** A value that {@link joinByTime} let go alone. */
export interface Unmatched<T = unknown> {
  /** Name of its input. */
  readonly input: string;
  readonly value: T;
  /** `late`: older than the watermark of its input. `unmatched`: none near enough. `full`: pushed out by `maxPending`. */
  readonly reason: UnmatchedReason;
  /** How many were let go so far, by reason, this one included. */
  readonly counts: Readonly<Record<UnmatchedReason, number>>;
}

/** Options of {@link joinByTime}. */
export interface JoinByTimeOptions<T = unknown> {
  /** How far apart the times of a joined value may be, in milliseconds. */
  readonly toleranceMs: number;
  /** How much older than the newest of its input a value may be, in milliseconds. @defaultValue 0 */
  readonly latenessMs?: number;
  /** When a value was made, in milliseconds since the epoch. @defaultValue its property `time` */
  readonly time?: TimeOf<T>;
  /** Most values of each input that wait; the oldest is let go. @defaultValue 64 */
  readonly maxPending?: number;
  /** When nothing has come of an input for so long, the others do not wait for it, in milliseconds. @defaultValue 2000 */
  readonly idleMs?: number;
  /** Called for each value that is let go without partners. */
  readonly onUnmatched?: (unmatched: Unmatched<T>) => void;
}

/** A value with the number of its input. */
interface Tagged {
  readonly lane: number;
  readonly value: unknown;
}

/**
 * Joins streams by the times of their values: of each input the value that is nearest to the others'.
 *
 * ```
 * time    0---33---66---100--
 * camera  a---b----c----d---|
 * radar   X-------------Y---|
 *         joinByTime({ camera, radar }, { toleranceMs: 20 })
 * out     (aX)----------(dY)|      b and c are let go
 * ```
 *
 * Each value is in one joined value at most. Which ones belong together depends on their times alone, not on which input was
 * faster: a pair whose times differ is emitted when the next value shows that none is nearer. Values that wait do not count
 * against `prefetch` or `concurrency` of their sources.
 *
 * - **Emits** an object with one value of each input, by the names of the inputs.
 * - **Settles** the deliveries of a joined value together, when it has been dealt with; those that find no partner when they
 *   are let go. Where the work on a joined value fails, its messages come again, and are joined again.
 * - **Fails** the delivery of a value without a time (`VALUE_INVALID`), and with what `time` or `onUnmatched` throws; with the
 *   first input that fails.
 * - **Completes** when all inputs have, after what is still matched.
 *
 * @param inputs - streams by name, two or more.
 * @returns the joined stream.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * type Echo = { time: number; metres: number };
 * joinByTime({ camera: input<Frame>('camera'), radar: input<Echo>('radar') }, { toleranceMs: 40 })
 * ```
 */
export function joinByTime<V extends Readonly<Record<string, unknown>>>(
  inputs: { readonly [K in keyof V]: Observable<V[K]> },
  options: JoinByTimeOptions<V[keyof V]>,
): Observable<V> {
  const { toleranceMs, latenessMs = 0, maxPending = 64, idleMs = 2_000, onUnmatched } = options;
  const names = Object.keys(inputs) as (keyof V & string)[];
  if (names.length < 2)
    throw new EdgeFlowError('OPTIONS_INVALID', `joinByTime: inputs are ${names.join(', ') || 'none'}; expected at least two`);
  checkAtLeast('joinByTime', 'toleranceMs', toleranceMs, 0);
  checkAtLeast('joinByTime', 'latenessMs', latenessMs, 0);
  checkCount('joinByTime', 'maxPending', maxPending);
  checkSpan('joinByTime', 'idleMs', idleMs);
  const timeOf = timeReader('joinByTime', options.time);

  return defer(() => {
    const counts = { late: 0, unmatched: 0, full: 0 };
    /** Set when the operator starts, before its sources. */
    let ended: (lane: number) => void = () => undefined;

    const joining = leasingOperator<Tagged, V>('joinByTime', (output) => {
      const letGo = ({ value, lease }: Held<Tagged>, reason: UnmatchedReason): void => {
        counts[reason]++;
        try {
          onUnmatched?.({ input: names[value.lane] ?? '', value: value.value as V[keyof V], reason, counts: { ...counts } });
        } catch (error) {
          lease.fail(error);
          return;
        }
        lease.release();
      };
      const emit = (members: readonly Held<Tagged>[]): void => {
        regathering.remember(undefined, members);
        const joined = Object.fromEntries(members.map(({ value }) => [names[value.lane], value.value])) as V;
        const leases = members.map(({ lease }) => lease);
        emitTogether(output, joined, leases, members.map(({ value }) => timeOf(value.value as V[keyof V])).join(' '));
      };
      const regathering = new Regathering<Tagged, undefined>((_, members, whole) => {
        if (whole) emit(members);
        else for (const member of members) letGo(member, 'unmatched');
      });
      const aligner = new TimeAligner<Held<Tagged>>({
        lanes: names.length,
        toleranceMs,
        latenessMs,
        maxPending,
        onMatch: (entries: readonly Timed<Held<Tagged>>[]) => {
          emit(entries.map(({ value }) => value));
        },
        onUnmatched: ({ value }, reason) => {
          letGo(value, reason);
        },
      });
      const idles = names.map(
        (_, lane) =>
          new Idle(idleMs, () => {
            aligner.quiet(lane);
            regathering.flush();
          }),
      );
      ended = (lane) => {
        idles[lane]?.stop();
        aligner.quiet(lane);
      };
      for (const idle of idles) idle.touch();

      return {
        next: (value, lease) => {
          idles[value.lane]?.touch();
          if (regathering.take({ value, lease })) return;
          let time: number;
          try {
            time = timeOf(value.value as V[keyof V]);
          } catch (error) {
            lease.fail(error);
            return;
          }
          lease.park();
          aligner.push({ lane: value.lane, time, value: { value, lease } });
        },
        complete: () => {
          aligner.quiet();
          regathering.flush();
          output.complete();
        },
        teardown: () => {
          for (const idle of idles) idle.stop();
        },
      };
    });
    const tagged = names.map((name, lane) =>
      inputs[name].pipe(
        map((value): Tagged => ({ lane, value })),
        tap({ complete: () => ended(lane) }),
      ),
    );
    return merge(...tagged).pipe(joining);
  });
}
