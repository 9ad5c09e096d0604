import { map } from 'rxjs';
import type { MonoTypeOperatorFunction, Observable } from 'rxjs';
import { leasingOperator } from '../../flow/operator.js';
import type { NodeOperator } from '../../system/node.js';
import { operatorStream } from '../../system/operatorStream.js';

/** Something that goes wrong with a message on its way into a node. */
export interface SystemFault {
  /** Number of the node among those with inputs; larger numbers begin anew. */
  readonly node: number;
  /** Number of the message among all that the node gets, those that come again included. */
  readonly at: number;
  /** `fail`: the message alone. `cut`: the node's stream too, and what it had in work, as in a crash. */
  readonly kind: 'fail' | 'cut';
}

/** The same node, some of whose inputs' messages fail. */
export function withFaults(operator: NodeOperator, faults: readonly SystemFault[]): NodeOperator {
  // Over all inputs, and over all subscriptions.
  let count = 0;
  const into = (input: Observable<unknown>): Observable<unknown> => {
    let kind: SystemFault['kind'] | undefined;
    return input.pipe(
      map((value) => {
        const at = count++;
        kind = faults.find((fault) => fault.at === at)?.kind;
        if (kind === 'cut') throw new Error('a crash that the check made');
        return value;
      }),
      failing(() => kind === 'fail'),
    );
  };
  return (_, context) => {
    const inputs = Object.fromEntries(Object.entries(context.inputs).map(([name, input]) => [name, into(input)]));
    return operatorStream(operator, { ...context, inputs });
  };
}

/** Fails the values for which it is told to, and passes on the others. */
function failing<T>(due: () => boolean): MonoTypeOperatorFunction<T> {
  return leasingOperator<T, T>('a fault of the check', (output) => ({
    next: (value, lease) => {
      if (due()) {
        lease.fail(new Error('a failure that the check made'));
        return;
      }
      output.next(value);
      lease.release();
    },
  }));
}
