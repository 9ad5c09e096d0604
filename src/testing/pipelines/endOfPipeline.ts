import type { Observable, OperatorFunction } from 'rxjs';
import { currentDelivery } from '../../flow/delivery.js';
import type { Delivery, Lease } from '../../flow/delivery.js';
import { leasingOperator } from '../../flow/operator.js';

/** What a check gives to the pipeline besides its input. */
export interface PipelineFaults {
  /**
   * Throws now and then: call it where your own work may fail, at the beginning of that work. A message for which it threw
   * must not be acked by the same delivery.
   */
  readonly mayFail: () => void;
}

/** A pipeline as `checkNoLoss` and `checkLatestOnly` take it: an operator, or a function that also gets the faults. */
export type CheckedPipeline<In, Out> = (input: Observable<In>, faults: PipelineFaults) => Observable<Out>;

/** Makes failures at given calls, counted from 0 over all subscriptions. */
export class Failures {
  readonly #at: ReadonlySet<number>;
  readonly #onFailure: (delivery: Delivery | undefined) => void;
  #calls = 0;

  constructor(at: readonly number[], onFailure: (delivery: Delivery | undefined) => void) {
    this.#at = new Set(at);
    this.#onFailure = onFailure;
  }

  /** @returns whether this call is to fail; its delivery is told to `onFailure` then. */
  due(delivery: Delivery | undefined): boolean {
    if (!this.#at.has(this.#calls++)) return false;
    this.#onFailure(delivery);
    return true;
  }

  readonly mayFail = (): void => {
    if (this.due(currentDelivery())) throw new Error('a failure that the check made');
  };
}

/** What a check does with the values that a pipeline gives. */
export interface EndOptions<T> {
  /** At once, with the delivery that the value belongs to. */
  readonly arrived: (value: T, delivery: Delivery | undefined) => void;
  /** Later: whether the value is refused, which fails its delivery. */
  readonly refuses: (delivery: Delivery | undefined) => boolean;
  /** The value has been dealt with. */
  readonly accepted: (value: T) => void;
}

/** The end of a pipeline under test: works on each value for some turns of the event loop, as publishing it would. */
export function endOfPipeline<T>({ arrived, refuses, accepted }: EndOptions<T>): OperatorFunction<T, T> {
  return leasingOperator<T, T>('the end of the pipeline', (output) => {
    let count = 0;
    let open = 0;
    let sourceDone = false;
    const work = async (value: T, lease: Lease): Promise<void> => {
      open++;
      for (let turns = count++ % 3; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      if (output.closed) return;
      if (refuses(lease.delivery)) lease.fail(new Error('a refusal that the check made'));
      else {
        accepted(value);
        lease.run(() => {
          output.next(value);
        });
        lease.release();
      }
      open--;
      if (sourceDone && open === 0) output.complete();
    };
    return {
      next: (value, lease) => {
        arrived(value, lease.delivery);
        void work(value, lease);
      },
      complete: () => {
        sourceDone = true;
        if (open === 0) output.complete();
      },
    };
  });
}
