import { EMPTY, isObservable, merge } from 'rxjs';
import type { Observable } from 'rxjs';
import { shown } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';
import type { NodeContext, NodeOperator } from './node.js';

/**
 * What a node's operator makes of its inputs, by the names of their sources.
 *
 * @throws EdgeFlowError `NODE_MODULE_INVALID` for an operator that returns no Observable.
 */
export function operatorStream(operator: NodeOperator, context: Omit<NodeContext, 'input'>): Observable<unknown> {
  const { name, inputs } = context;
  const input = <T>(source: string): Observable<T> => {
    const found = inputs[source];
    if (found) return found as Observable<T>;
    throw new EdgeFlowError(
      'GRAPH_INVALID',
      `node '${name}' reads '${source}', but no link leads from there; it has ${Object.keys(inputs).join(', ') || 'none'}`,
    );
  };
  const streams = Object.values(inputs);
  // Callers without types may return anything.
  const values: unknown = operator(streams.length > 0 ? merge(...streams) : EMPTY, { ...context, input });
  if (isObservable(values)) return values;
  throw new EdgeFlowError(
    'NODE_MODULE_INVALID',
    `node '${name}': its operator returned ${shown(values)}; expected an Observable, such as input.pipe(…), or from(…) of a promise or an array`,
  );
}
