import { EdgeFlowError } from '../../errors.js';
import { topicUndeclared } from '../options.js';

/**
 * Checks the state that a script answers: 0, or 1 where it does not know the topic, 2 where not its group or reader.
 *
 * @param subscription - how an error names the group or reader.
 * @throws EdgeFlowError `TOPIC_UNDECLARED`
 */
export function checkDeclared(state: unknown, topic: string, subscription: string): void {
  if (state !== 0) throw undeclared(state, topic, subscription);
}

/** The error for such a state. */
export function undeclared(state: unknown, topic: string, subscription: string): EdgeFlowError {
  if (state === 1) return topicUndeclared(topic, 'declaration');
  if (state === 2) return topicUndeclared(topic, subscription);
  return new EdgeFlowError('BROKER_CONFIG', `a command answered ${String(state)}; the server runs another version of EdgeFlow`);
}
