import { leasingOperator } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';

/** A value and what makes it the same value when its message is delivered again. */
export interface Identified<T> {
  readonly value: T;
  /** Undefined where the value came from no broker. */
  readonly identity: string | undefined;
}

/** Puts beside each value the id of its message and its place among the values that were made of that message. */
export function withIdentity<T>(name: string): OperatorFunction<T, Identified<T>> {
  return leasingOperator<T, Identified<T>>(name, (output) => {
    const seen = new WeakMap<object, number>();
    return {
      next: (value, lease) => {
        const { delivery } = lease;
        const place = delivery ? (seen.get(delivery) ?? 0) : 0;
        if (delivery) seen.set(delivery, place + 1);
        lease.run(() => {
          output.next({ value, identity: delivery?.id === undefined ? undefined : `${delivery.id}\0${place}` });
        });
        lease.release();
      },
    };
  });
}
