import { Observable, takeWhile } from 'rxjs';
import type { MonoTypeOperatorFunction, OperatorFunction, Subscriber } from 'rxjs';
import { EdgeFlowError } from '../errors.js';
import { currentDelivery, watchFeed } from './delivery.js';
import type { Feed, Lease } from './delivery.js';
import { watchDownstream } from './downstreamErrors.js';

/** What an operator does with each value and its lease. */
export interface LeasingObserver<T> {
  /** Every lease must be released, failed, or left open when the output is unsubscribed. */
  readonly next: (value: T, lease: Lease) => void;
  /** @defaultValue completes the output at once */
  readonly complete?: () => void;
  /** Called when the output ends for whatever reason. */
  readonly teardown?: () => void;
}

/** A value of a plain stream: nothing to settle, and a failure is the stream's error, as in RxJS. */
function plainLease(output: Subscriber<unknown>): Lease {
  const nothing = (): void => undefined;
  return {
    delivery: undefined,
    run: (work) => work(),
    release: nothing,
    fail: (error) => output.error(error),
    park: nothing,
    unpark: nothing,
  };
}

/**
 * A lease on what stands for values of a plain stream: a failure is the stream's error here too. The operator that put them together
 * may have completed by now, and could not tell it any more.
 */
function ownerlessLease(hold: Lease, output: Subscriber<unknown>): Lease {
  return {
    delivery: hold.delivery,
    run: (work) => hold.run(work),
    release: () => hold.release(),
    fail: (error) => {
      hold.fail(error);
      output.error(error);
    },
    park: () => hold.park(),
    unpark: () => hold.unpark(),
  };
}

/** Ends a source that emits while it is being subscribed, and so can't be unsubscribed yet. */
export function untilClosed<T>(output: Subscriber<unknown>): MonoTypeOperatorFunction<T> {
  return takeWhile(() => !output.closed);
}

/** The error for a value that arrived outside any delivery in a pipeline that is fed by a broker. */
function leaseEscaped(where: string): EdgeFlowError {
  return new EdgeFlowError(
    'LEASE_ESCAPED',
    `a value reached ${where} outside its delivery: a raw asynchronous operator before it (mergeMap, delay, observeOn …) ` +
      'would ack messages that are still being worked on. Use mapAsync(…) for asynchronous work, leased(…) around an ' +
      'RxJS operator, or detached() where the value really does not come from a delivery',
  );
}

/** The lease for the value that is arriving, or an error on the output when it escaped. */
function takeLease(where: string, feed: Feed, output: Subscriber<unknown>): Lease | undefined {
  const delivery = currentDelivery();
  if (delivery) return delivery.ownerless ? ownerlessLease(delivery.hold(), output) : delivery.hold();
  if (!feed.delivers) return plainLease(output);
  output.error(leaseEscaped(where));
  return undefined;
}

/**
 * Makes an operator whose values may be worked on after they arrived. State lives in the subscription.
 *
 * ```
 * in   --a-----b-----|
 *      leasingOperator('soon', …)
 * out  ----a-----b---|       the delivery of a is held until its lease is released
 * ```
 *
 * - **Emits** what `start`'s observer gives to its output; inside `lease.run(…)`, so that it belongs to the delivery.
 * - **Settles** a delivery when its lease, and all those taken downstream, have ended.
 * - **Fails** with the source's error. `lease.fail` fails the delivery or, in a stream that no broker feeds, the stream.
 *
 * @param name - as users write it; named in `LEASE_ESCAPED`.
 * @param start - called once a subscription.
 * @returns the operator.
 * @example
 * ```ts
 * const soon = <T>() => leasingOperator<T, T>('soon', (output) => ({
 *   next: (value, lease) => setImmediate(() => {
 *     if (output.closed) return; // left open: the message is handed back
 *     lease.run(() => output.next(value));
 *     lease.release();
 *   }),
 *   complete: () => setImmediate(() => output.complete()), // after those of all values
 * }));
 * frames.pipe(soon())
 * ```
 */
export function leasingOperator<T, R>(name: string, start: (output: Subscriber<R>) => LeasingObserver<T>): OperatorFunction<T, R> {
  return (source) =>
    new Observable<R>((output) => {
      watchDownstream(output);
      const observer = start(output);
      if (observer.teardown) output.add(observer.teardown);
      const feed: Feed = { delivers: false, output };
      watchFeed(feed, () => {
        output.add(
          source.pipe(untilClosed(output)).subscribe({
            next: (value) => {
              const lease = takeLease(name, feed, output);
              if (lease) observer.next(value, lease);
            },
            error: (error: unknown) => output.error(error),
            complete: () => {
              if (output.closed) return;
              if (observer.complete) observer.complete();
              else output.complete();
            },
          }),
        );
      });
    });
}
