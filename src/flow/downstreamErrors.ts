import type { Subscriber } from 'rxjs';
import { currentDelivery } from './delivery.js';

/** What this file knows of RxJS's inside: each subscriber has the next one as `destination`, the last one the user's observer. */
interface Downstream {
  destination?: Downstream | null;
  partialObserver?: { next?: (value: unknown) => void };
  error?: (error: unknown) => void;
}

/** A chain may be met again, when `retry` subscribes its source once more. */
const watched = new WeakSet<Downstream>();

/**
 * Fails the current delivery when an error passes through any subscriber below `output`, or is thrown by the last one.
 *
 * RxJS tells a source that its output was closed, but not why: `take(1)` had enough, or `map` threw. The first message is
 * to be acked, the second must not be. This is the one place that looks into RxJS; where it sees nothing (behind `share`),
 * the value counts as dealt with.
 */
export function watchDownstream(output: Subscriber<unknown>): void {
  // The fields are private or protected in RxJS's types.
  let at = output as unknown as Downstream | null | undefined;
  for (; at && !watched.has(at); at = at.destination) {
    watched.add(at);
    if (at.partialObserver) at.partialObserver = watchedObserver(at.partialObserver);
    else watchError(at);
  }
}

function watchError(subscriber: Downstream): void {
  const pass = subscriber.error?.bind(subscriber);
  if (!pass) return;
  subscriber.error = (error) => {
    currentDelivery()?.fail(error);
    pass(error);
  };
}

/** RxJS reports what an observer's own `next` throws, as an uncaught exception, without telling the source. */
function watchedObserver<O extends { next?: (value: unknown) => void }>(observer: O): O {
  if (!observer.next) return observer;
  const next = (value: unknown): void => {
    try {
      observer.next?.(value);
    } catch (error) {
      currentDelivery()?.fail(error);
      throw error;
    }
  };
  return Object.create(observer, { next: { value: next } }) as O;
}
