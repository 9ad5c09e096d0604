import { EdgeFlowError } from '../errors.js';

/** What a node is expected to do, for `edgeflow plan`; nothing of it is enforced. */
export interface NodeExpectations {
  /** Values that a source emits each second. @defaultValue a node with inputs emits one value for each that it takes */
  readonly messagesPerSecond?: number;
  /** Bytes of a value that it emits. @defaultValue 1 KiB */
  readonly bytes?: number;
  /** Milliseconds that one replica works on one value. @defaultValue nothing to speak of */
  readonly workMs?: number;
}

const names = ['messagesPerSecond', 'bytes', 'workMs'];

/**
 * Checks what a node says of itself.
 *
 * @throws EdgeFlowError `NODE_OPTIONS_INVALID`
 */
export function checkExpectations(node: string, expects: NodeExpectations | undefined): void {
  for (const [name, value] of Object.entries(expects ?? {})) {
    if (!names.includes(name))
      throw new EdgeFlowError('NODE_OPTIONS_INVALID', `node '${node}': expects.${name} is not known; expected ${names.join(', ')}`);
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      throw new EdgeFlowError(
        'NODE_OPTIONS_INVALID',
        `node '${node}': expects.${name} is ${String(value)}; expected a number of at least 0`,
      );
  }
}
