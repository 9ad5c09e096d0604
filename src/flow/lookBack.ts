import { Subscription, from, map } from 'rxjs';
import type { Observable, ObservableInput, OperatorFunction, Subscriber } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { topic as nameTopic } from '../topic.js';
import type { Topic } from '../topic.js';
import { checkConcurrency, checkPositive } from './checks.js';
import { combined } from './combine.js';
import { brokerFor } from './defaultBroker.js';
import { currentDelivery, deliver } from './delivery.js';
import type { Delivery, Lease } from './delivery.js';
import { fromPull } from './fromPull.js';
import { leasingOperator } from './operator.js';
import { ownTime } from './ownTime.js';
import { readBack } from './readBack.js';

/** Options of {@link lookBack}. */
export interface LookBackOptions<T, F> {
  /** How far to look back, in seconds. */
  readonly seconds: number;
  /**
   * Up to which moment, and that included, in milliseconds since the epoch.
   * @defaultValue `time` of the value where that is a number, else the moment at which the value came
   */
  readonly until?: (value: T) => number;
  /**
   * When a value of the topic was made, in milliseconds since the epoch, by the same clock.
   * @defaultValue its `time` where that is a number, else when it was published
   */
  readonly timeOf?: (earlier: F) => number;
  /** How many values may be looked back from at once. @defaultValue 1 */
  readonly concurrency?: number;
  /** @defaultValue the broker of `useBroker`, or the embedded one */
  readonly broker?: Broker;
}

interface Job<T> {
  readonly value: T;
  readonly lease: Lease;
  readonly until: number;
}

/**
 * Gives each value the messages before it of a topic that retains them: also those that nobody read.
 *
 * ```
 * frames    --1-2-3-4-5-6-7-8-->      the topic retains them
 * alerts    ------------a------|
 *           lookBack('frames', { seconds: 5 }, (alert, earlier) => earlier.pipe(count()))
 * out       -------------6-----|      1 to 6 were there before a; a settles when they have been dealt with
 * ```
 *
 * - **Emits** what the Observables that `project` returns emit; with a concurrency of 1, in the order of the values.
 * - **Settles** a delivery when the Observable of its value has completed, and what it emitted has been dealt with.
 * - **Fails** the delivery, not the stream, when `project` throws or its Observable fails: `TOPIC_UNDECLARED` and
 *   `NOTHING_RETAINED` come that way, from the Observable of earlier values. In a stream without deliveries it is the stream's error.
 * - **Completes** when the source has completed and the last of these Observables too.
 *
 * The earlier values are read page by page, and asked for one by one, as those before are dealt with: the memory that they take
 * does not grow with the time that is looked back. What the topic frees meanwhile is passed over, so let it retain for longer
 * than you look back.
 *
 * @param topic - a {@link Topic}, or its name: in a System, the name of the node. Its `retain` says what there is to see.
 * @param options - see {@link LookBackOptions}.
 * @param project - makes an Observable for a value of the source, from a cold one of the earlier values, oldest first.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID`, `TOPIC_INVALID`
 * @example
 * ```ts
 * const frames = topic<Frame>('frames');
 * alerts.pipe(lookBack(frames, { seconds: 5 }, (alert, earlier) => earlier.pipe(map(({ index }) => index), toArray())))
 * ```
 */
export function lookBack<T, F, R>(
  topic: Topic<F> | string,
  options: LookBackOptions<T, F>,
  project: (value: T, earlier: Observable<F>) => ObservableInput<R>,
): OperatorFunction<T, R> {
  const named = typeof topic === 'string' ? nameTopic<F>(topic) : topic;
  const { seconds, until = timeOrNow, timeOf, concurrency = 1, broker } = options;
  checkPositive(`lookBack('${named.name}')`, 'seconds', seconds);
  checkConcurrency(`lookBack('${named.name}')`, concurrency);

  const earlierThan = (last: number): Observable<F> =>
    fromPull(() => readBack(brokerFor(broker), named, { from: last - seconds * 1_000, to: last, timeOf }), { id: ({ id }) => id }).pipe(
      map(({ value }) => value),
    );

  return leasingOperator<T, R>('lookBack', (output) => {
    const running = new Subscription();
    const waiting: Job<T>[] = [];
    let active = 0;
    let sourceDone = false;

    const start = (job: Job<T>): void => {
      const { value, lease } = job;
      const emit = resultsOf<R>(lease, output);
      const end = (settle: () => void): void => {
        if (output.closed) return;
        active--;
        settle();
        startNext();
      };
      const subscribe = (): Subscription =>
        from(project(value, earlierThan(job.until))).subscribe({
          next: emit,
          error: (error: unknown) => end(() => lease.fail(error)),
          complete: () => end(() => lease.release()),
        });
      try {
        running.add(lease.run(subscribe));
      } catch (error) {
        end(() => lease.fail(error));
      }
    };
    const startNext = (): void => {
      while (active < concurrency && !output.closed) {
        const job = waiting.shift();
        if (!job) break;
        active++;
        start(job);
      }
      if (sourceDone && active === 0 && waiting.length === 0) output.complete();
    };

    return {
      next: (value, lease) => {
        try {
          waiting.push({ value, lease, until: until(value) });
        } catch (error) {
          lease.fail(error);
          return;
        }
        startNext();
      },
      complete: () => {
        sourceDone = true;
        startNext();
      },
      teardown: () => {
        running.unsubscribe();
      },
    };
  });
}

/**
 * Emits the results of one value. Each belongs to the value and, where it comes right from an earlier one, to that as well: so
 * it holds both back, and has an id of its own that is the same when the value is delivered again.
 */
function resultsOf<R>(lease: Lease, output: Subscriber<R>): (result: R) => void {
  const counts = new WeakMap<Delivery, number>();
  return (result) => {
    const current = currentDelivery() ?? lease.delivery;
    if (!current) {
      output.next(result);
      return;
    }
    const count = counts.get(current) ?? 0;
    counts.set(current, count + 1);
    const leases = [...new Set([lease.delivery, current])].flatMap((delivery) => delivery?.hold() ?? []);
    const { onSettled, onParked, id } = combined(leases, output);
    deliver({ standsFor: leases, onSettled, onParked, id: id === undefined ? undefined : `${id}.${count}` }, () => output.next(result));
  };
}

function timeOrNow(value: unknown): number {
  return ownTime(value) ?? Date.now();
}
