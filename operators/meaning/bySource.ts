import { leasingOperator } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';
import { LastUsed } from '../lastUsed.js';
import { checkIsObject } from './checks.js';

/** What is known of one source; called with each of its values. */
export type Step<V, R> = (value: V) => R;

interface Known<V, R> {
  readonly step: Step<V, R>;
  newestTime: number;
}

/** As many sources are remembered. */
const mostSources = 256;

/** A source whose time goes back further than that was begun anew; a message that is delivered again is not that late. */
const restartMs = 60_000;

/**
 * An operator that answers each value at once, out of what it knows of the value's source.
 *
 * @param name - as users write it.
 * @param begin - called for each subscription; returns what makes the state of a source. What a step throws fails its
 * value, so a step must check the value before it changes anything.
 */
export function bySource<V extends { readonly source: string; readonly time: number }, R>(
  name: string,
  begin: () => () => Step<V, R>,
): OperatorFunction<V, R> {
  return leasingOperator<V, R>(name, (output) => {
    const start = begin();
    const sources = new LastUsed<string, Known<V, R>>(mostSources);
    const answer = (value: V): R => {
      checkIsObject(name, value);
      const { source, time } = value;
      let known = sources.peek(source);
      if (!known || time < known.newestTime - restartMs) known = { step: start(), newestTime: time };
      const result = known.step(value);
      known.newestTime = Math.max(known.newestTime, time);
      sources.use(source, known);
      return result;
    };
    return {
      next: (value, lease) => {
        let result: R;
        try {
          result = answer(value);
        } catch (error) {
          lease.fail(error);
          return;
        }
        lease.run(() => output.next(result));
        lease.release();
      },
    };
  });
}
