import type { Lease } from 'edgeflow';
import type { Subscriber } from 'rxjs';

/** Passes a value on or lets it go; either settles its part. What the condition throws fails the delivery. */
export function passIf<T>(output: Subscriber<T>, value: T, lease: Lease, condition: () => boolean): void {
  let passes: boolean;
  try {
    passes = condition();
  } catch (error) {
    lease.fail(error);
    return;
  }
  if (passes)
    lease.run(() => {
      output.next(value);
    });
  lease.release();
}
