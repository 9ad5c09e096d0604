import type { Lease } from 'edgeflow';

/** A value that an operator keeps, with what keeps its delivery open. */
export interface Held<T> {
  readonly value: T;
  readonly lease: Lease;
}

/** One more hold on a delivery, parked; on a plain stream there is nothing to hold. */
export function parkedHold(lease: Lease): Lease {
  const hold = lease.delivery?.hold() ?? lease;
  hold.park();
  return hold;
}
