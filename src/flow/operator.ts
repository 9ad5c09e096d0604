import { Observable } from 'rxjs';
import type { OperatorFunction, Subscriber } from 'rxjs';
import { EdgeFlowError } from '../errors.js';
import { currentDelivery, watchFeed } from './delivery.js';
import type { Feed, Lease } from './delivery.js';

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
    run: (work) => {
      work();
    },
    release: nothing,
    fail: (error) => {
      output.error(error);
    },
    park: nothing,
    unpark: nothing,
  };
}

/**
 * The error for a value that arrived outside any delivery in a pipeline that is fed by a broker.
 */
export function leaseEscaped(where: string): EdgeFlowError {
  return new EdgeFlowError(
    'LEASE_ESCAPED',
    `a value reached ${where} outside its delivery: a raw asynchronous operator before it (mergeMap, delay, observeOn …) ` +
      'would ack messages that are still being worked on. Use mapAsync(…) for asynchronous work, leased(…) around an ' +
      'RxJS operator, or detached() where the value really does not come from a delivery',
  );
}

/** The lease for the value that is arriving, or an error on the output when it escaped. */
export function takeLease(where: string, feed: Feed, output: Subscriber<unknown>): Lease | undefined {
  const delivery = currentDelivery();
  if (delivery) return delivery.hold();
  if (!feed.delivers) return plainLease(output);
  output.error(leaseEscaped(where));
  return undefined;
}

/**
 * Makes an operator whose values may be worked on after they arrived. State lives in the subscription.
 *
 * @param name - as users write it; named in `LEASE_ESCAPED`.
 * @param start - called once a subscription.
 */
export function leasingOperator<T, R>(name: string, start: (output: Subscriber<R>) => LeasingObserver<T>): OperatorFunction<T, R> {
  return (source) =>
    new Observable<R>((output) => {
      const observer = start(output);
      const feed: Feed = { delivers: false };
      if (observer.teardown) output.add(observer.teardown);
      watchFeed(feed, () => {
        output.add(
          source.subscribe({
            next: (value) => {
              if (output.closed) return;
              const lease = takeLease(name, feed, output);
              if (lease) observer.next(value, lease);
            },
            error: (error: unknown) => {
              output.error(error);
            },
            complete: () => {
              if (observer.complete) observer.complete();
              else output.complete();
            },
          }),
        );
      });
    });
}
