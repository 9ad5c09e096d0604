import { checkOptions, oneOf } from '../checkOptions.js';
import type { ErrorCode } from '../errors.js';

export const isolations = ['process', 'thread', 'inline'] as const;

/**
 * What a node runs in: a process of its own; a thread of the main process; or the main process's own thread, which it
 * shares with the supervisor and with all other nodes of this kind.
 */
export type Isolation = (typeof isolations)[number];

/**
 * Checks an option that callers without types may have misspelt.
 *
 * @param owner - whose option it is, for the message.
 * @throws EdgeFlowError with the code that the caller names.
 */
export function checkIsolation(owner: string, value: string | undefined, code: ErrorCode): void {
  checkOptions(owner, [['isolation', value, isolations.some((isolation) => isolation === value), oneOf(isolations)]], code);
}
