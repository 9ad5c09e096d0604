import { defer, Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';
import { announceDeliveries, deliver } from '#src/flow/delivery.js';

/** Runs marble diagrams in virtual time. */
export function marbles(run: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  }).run(run);
}

/** A source of deliveries that records what became of each: `value ok` or `value failed`. */
export class Deliveries<T> {
  readonly settled: string[] = [];
  readonly input = new Subject<T>();
  parked = 0;

  readonly stream: Observable<T> = defer(() => {
    announceDeliveries();
    return this.input;
  });

  next(...values: T[]): void {
    for (const value of values) {
      deliver(
        {
          id: String(value),
          onSettled: ({ failed }) => this.settled.push(`${String(value)} ${failed ? 'failed' : 'ok'}`),
          onParked: (parked) => (this.parked += parked ? 1 : -1),
        },
        () => this.input.next(value),
      );
    }
  }
}

/** Lets everything that is due in this turn of the event loop happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
