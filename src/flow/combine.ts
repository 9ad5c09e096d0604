import { createHash } from 'node:crypto';
import type { Subscriber } from 'rxjs';
import type { DeliveryOptions, Lease } from './delivery.js';

/**
 * A delivery that stands for several: when it settles, all of them do, and in the same way.
 *
 * @param output - gets the error of a value that stands for none, since there is nobody to give it back to.
 * @param part - tells apart several that stand for the same deliveries.
 */
export function combined(leases: readonly Lease[], output: Subscriber<unknown>, part?: string): DeliveryOptions {
  return {
    // Asked for only where something is published in answer.
    get id() {
      return combinedId(leases, part);
    },
    get traceparent() {
      return leases.find(({ delivery }) => delivery?.traceparent !== undefined)?.delivery?.traceparent;
    },
    standsFor: leases,
    onSettled: ({ failed }) => {
      if (failed && leases.length === 0) output.error(failed.error);
      for (const lease of leases) {
        if (failed) lease.fail(failed.error);
        else lease.release();
      }
    },
    onParked: (parked) => {
      for (const lease of leases) {
        if (parked) lease.park();
        else lease.unpark();
      }
    },
  };
}

/** The same deliveries give the same id, so that what is published for them again is recognised. */
function combinedId(leases: readonly Lease[], part: string | undefined): string | undefined {
  const ids = leases.map(({ delivery }) => delivery?.id);
  if (ids.length === 0 || ids.includes(undefined)) return undefined;
  if (ids.length === 1 && part === undefined) return ids[0];
  return createHash('sha256')
    .update([...ids, ...(part === undefined ? [] : ['', part])].join('\n'))
    .digest('base64url');
}
