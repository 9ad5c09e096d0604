import { checkObject, checkOptions } from '../checkOptions.js';
import type { TraceQuery } from './traceStore.js';

/**
 * Checks which message is asked for: callers without types may give anything.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkTraceQuery(query: TraceQuery): void {
  checkObject('trace', query);
  const { id, topic, source, seq, index } = query;
  checkOptions('trace', [
    ['id', id, typeof id === 'string', 'a text'],
    ['topic', topic, typeof topic === 'string', 'a text'],
    ['source', source, typeof source === 'string', 'a text'],
    ['seq', seq, typeof seq === 'number', 'a number'],
    ['index', index, typeof index === 'number', 'a number'],
  ]);
}
