import type { MonoTypeOperatorFunction } from 'rxjs';
import type { Lease } from './delivery.js';
import type { Gate } from './gate.js';
import { leasingOperator } from './operator.js';

/** Most values that are kept of a source that cannot be held back, such as an interval. */
const mostHeld = 1_000;

/**
 * Stops a source while a gate is closed: what it emits waits, and a source with back-pressure (`fromPull`) makes no more. Of
 * one without, a thousand values wait; later ones are lost, as nobody has accepted them.
 *
 * @param onDropped - told when the gate opens again, where some were.
 */
export function gatedSource<T>(gate: Gate, onDropped: (count: number) => void): MonoTypeOperatorFunction<T> {
  return leasingOperator<T, T>('the output of a source', (output) => {
    let held: { readonly value: T; readonly lease: Lease }[] = [];
    let dropped = 0;
    let done = false;
    const pass = (value: T, lease: Lease): void => {
      lease.run(() => {
        output.next(value);
      });
      lease.release();
    };
    const open = (): void => {
      if (gate.paused) return;
      const waited = held;
      held = [];
      for (const { value, lease } of waited) pass(value, lease);
      if (dropped > 0) onDropped(dropped);
      dropped = 0;
      if (done) output.complete();
    };
    return {
      next: (value, lease) => {
        if (!gate.paused) pass(value, lease);
        else if (lease.delivery || held.length < mostHeld) held.push({ value, lease });
        else dropped++;
      },
      complete: () => {
        done = true;
        if (held.length === 0) output.complete();
      },
      teardown: gate.join({ idle: () => true, changed: open }),
    };
  });
}
