import { emitTogether, leasingOperator } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { checkAtLeast, checkCount, checkFiniteSpan, checkSpan, refuse } from './checks.js';
import { timeReader } from './streams/eventTime.js';
import type { TimeOf } from './streams/eventTime.js';
import { parkedHold } from './streams/held.js';
import type { Held } from './streams/held.js';
import { Idle } from './streams/idle.js';
import { Regathering } from './streams/regathering.js';
import { OpenWindows } from './streams/windows.js';

/** Most windows that a value may be in; each of them keeps it. A day that begins anew each ten seconds has fewer. */
const mostAtOnce = 10_000;

/** Values of a span of time, as {@link windowByTime} collects them. */
export interface TimeWindow<T, K = string> {
  /** What `by` gave for the values; `''` without it. */
  readonly key: K;
  /** Beginning of the window, in milliseconds since the epoch. */
  readonly start: number;
  /** Its end; a value of that time belongs to the next. */
  readonly end: number;
  /** In the order in which they came. */
  readonly values: readonly T[];
  /** Whether the window's time had passed. If not, it was emitted early, and more of it may follow in another. */
  readonly complete: boolean;
}

/** Options of {@link windowByTime}. */
export interface WindowByTimeOptions<T, K = string> {
  /** Length of a window, in milliseconds. */
  readonly ms: number;
  /** A window begins each so many milliseconds; less than `ms` makes them overlap. @defaultValue `ms` */
  readonly everyMs?: number;
  /** Splits windows by a key. @defaultValue one window for all values */
  readonly by?: (value: T) => K;
  /** How much older than the newest a value may be, in milliseconds: so long is a window kept open. @defaultValue 0 */
  readonly latenessMs?: number;
  /** When a value was made, in milliseconds since the epoch. @defaultValue its property `time` */
  readonly time?: TimeOf<T>;
  /** Emits what is open when nothing has come for so long, in milliseconds. @defaultValue 2000 */
  readonly idleMs?: number;
  /** Most values that are kept; the earliest windows are emitted early. @defaultValue 10000 */
  readonly maxPending?: number;
  /** Called for a value whose windows have all been emitted, with the number of them so far. */
  readonly onLate?: (value: T, late: number) => void;
}

/**
 * Collects values into windows of time, by the times of the values: the same values give the same windows at any speed.
 *
 * ```
 * time 0-1-2-3-4-5-6-7-8
 * in   a-b-c-d-e-f-g-h-i--|
 *      windowByTime({ ms: 4 })
 * out  --------w-------x--(y|)     w = a b c d, x = e f g h, y = i, not complete
 * ```
 *
 * Windows begin at whole multiples of `everyMs`. One is emitted when a value says that its time, and `latenessMs`, have
 * passed (a watermark, as in Akidau et al., "The Dataflow Model", 2015). Values that wait do not count against the source's
 * `prefetch` or `concurrency`. Where the work on a window fails, its messages come again and are the same window again.
 *
 * - **Emits** a {@link TimeWindow} where there is at least one value.
 * - **Settles** the deliveries of a window together, when it has been dealt with; late values at once.
 * - **Fails** the delivery of a value without a time (`VALUE_INVALID`), and with what `time`, `by` or `onLate` throws.
 * - **Completes** with the source, after the windows that are open.
 *
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * counts.pipe(windowByTime({ ms: 60_000, by: ({ source }) => source }))
 * ```
 */
export function windowByTime<T, K = string>(options: WindowByTimeOptions<T, K>): OperatorFunction<T, TimeWindow<T, K>> {
  const { ms, everyMs = ms, latenessMs = 0, idleMs = 2_000, maxPending = 10_000, onLate } = options;
  const by = options.by ?? ((): K => '' as K);
  checkFiniteSpan('windowByTime', 'ms', ms);
  checkFiniteSpan('windowByTime', 'everyMs', everyMs);
  if (ms / everyMs > mostAtOnce)
    refuse(
      'windowByTime',
      `ms is ${ms} and everyMs ${everyMs}: a value would be in ${Math.ceil(ms / everyMs)} windows; expected at most ${mostAtOnce}`,
    );
  checkAtLeast('windowByTime', 'latenessMs', latenessMs, 0);
  checkSpan('windowByTime', 'idleMs', idleMs);
  checkCount('windowByTime', 'maxPending', maxPending);
  const timeOf = timeReader('windowByTime', options.time);

  return leasingOperator<T, TimeWindow<T, K>>('windowByTime', (output) => {
    type Shape = Omit<TimeWindow<T, K>, 'values'>;
    const open = new OpenWindows<T, K>(ms, everyMs);
    let watermark = -Infinity;
    let late = 0;

    const emit = (found: Shape, members: readonly Held<T>[], whole = true): void => {
      const shape = whole ? found : { ...found, complete: false };
      regathering.remember(shape, members);
      const values = members.map(({ value }) => value);
      const leases = members.map(({ lease }) => lease);
      emitTogether(output, { ...shape, values }, leases, `${shape.start} ${String(shape.key)}`);
    };
    const regathering = new Regathering<T, Shape>(emit);
    const emitAll = (windows: ReturnType<typeof open.takeEarliest>, complete: boolean): void => {
      for (const { key, start, members } of windows) emit({ key, start, end: start + ms, complete }, members);
    };
    const flush = (): void => {
      while (open.values > 0 && !output.closed) emitAll(open.takeEarliest(), false);
      regathering.flush();
    };
    const idle = new Idle(idleMs, flush);

    const add = (held: Held<T>): void => {
      const time = timeOf(held.value);
      const starts = open.startsOf(time).filter((start) => start + ms > watermark);
      // Where windows are shorter than `everyMs`, a value may lie between two, and is not late.
      if (starts.length === 0 && time < watermark) {
        onLate?.(held.value, ++late);
        return;
      }
      const key = by(held.value);
      for (const start of starts) open.add(start, key, { ...held, lease: parkedHold(held.lease) });
      watermark = Math.max(watermark, time - latenessMs);
    };

    return {
      next: (value, lease) => {
        idle.touch();
        if (regathering.take({ value, lease })) return;
        try {
          add({ value, lease });
        } catch (error) {
          lease.fail(error);
          return;
        }
        lease.release();
        emitAll(open.takeEndedBy(watermark), true);
        while (open.values > maxPending && !output.closed) emitAll(open.takeEarliest(), false);
      },
      complete: () => {
        flush();
        output.complete();
      },
      teardown: () => {
        idle.stop();
      },
    };
  });
}
