import { leasingOperator } from 'edgeflow';
import type { OperatorFunction } from 'rxjs';

/** What is known of one source; called with each of its values. */
export type Step<V, R> = (value: V) => R;

interface Known<V, R> {
  readonly step: Step<V, R>;
  newestTime: number;
}

/** As many sources are remembered; the one that was silent for longest is forgotten. */
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
    const sources = new Map<string, Known<V, R>>();
    const answer = (value: V): R => {
      const { source, time } = value;
      let known = sources.get(source);
      if (!known || time < known.newestTime - restartMs) known = { step: start(), newestTime: time };
      const result = known.step(value);
      known.newestTime = Math.max(known.newestTime, time);
      // Set anew, so that the map is in the order of last use.
      sources.delete(source);
      sources.set(source, known);
      const [oldest] = sources.keys();
      if (sources.size > mostSources && oldest !== undefined) sources.delete(oldest);
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
