import type { OperatorFunction, Subscription } from 'rxjs';
import { EdgeFlowError } from '../errors.js';
import { afterMs } from '../longTimer.js';
import { checkPositive } from './checks.js';
import { combined } from './combine.js';
import { deliver } from './delivery.js';
import type { Lease } from './delivery.js';
import { leasingOperator } from './operator.js';

/** Options of {@link batch}. */
export interface BatchOptions {
  /** Emits a batch that is not full when its first value has waited this long. @defaultValue Infinity */
  readonly maxWaitMs?: number;
}

/**
 * Collects values into arrays; the deliveries of a batch settle together.
 *
 * ```
 * in   --a-b-c-----d---------|
 *      batch(3, { maxWaitMs: 50 })
 * out  ------[abc]-----[d]---|
 * ```
 *
 * Values that wait for their batch do not count against the source's prefetch, so that a batch may be larger than it.
 *
 * - **Emits** arrays of `size` values, and of fewer after `maxWaitMs` or at the end.
 * - **Settles** the deliveries of a batch, together, when it has been dealt with downstream; they fail together too.
 * - **Fails** with the source; values that wait for their batch are then handed back.
 * - **Completes** with the source, after the last batch.
 *
 * @param size - most values in a batch, at least 1.
 * @returns the operator.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a size or a wait that is not positive.
 * @example
 * ```ts
 * fromBroker('readings', QoS.DURABLE).pipe(batch(100, { maxWaitMs: 1000 }), mapAsync((rows) => insert(rows)))
 * ```
 */
export function batch<T>(size: number, { maxWaitMs = Infinity }: BatchOptions = {}): OperatorFunction<T, T[]> {
  if (!Number.isInteger(size) || size < 1)
    throw new EdgeFlowError('OPTIONS_INVALID', `batch: size is ${size}; expected a whole number of at least 1`);
  checkPositive('batch', 'maxWaitMs', maxWaitMs);

  return leasingOperator<T, T[]>('batch', (output) => {
    let values: T[] = [];
    let leases: Lease[] = [];
    let timer: Subscription | undefined;

    const emit = (): void => {
      timer?.unsubscribe();
      timer = undefined;
      if (values.length === 0) return;
      const [full, held] = [values, leases];
      [values, leases] = [[], []];
      for (const lease of held) lease.unpark();
      deliver(combined(held, output), () => {
        output.next(full);
      });
    };

    return {
      next: (value, lease) => {
        values.push(value);
        leases.push(lease);
        lease.park();
        if (values.length >= size) emit();
        else timer ??= afterMs(maxWaitMs, emit);
      },
      complete: () => {
        emit();
        output.complete();
      },
      teardown: () => {
        timer?.unsubscribe();
      },
    };
  });
}
