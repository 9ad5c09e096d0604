import { createHash, randomUUID } from 'node:crypto';

/**
 * A name for a value that is the same when its message is delivered again; one of its own for a value of no broker.
 *
 * @param identity - of `withIdentity`.
 */
export function messageKey(identity: string | undefined): string {
  return identity === undefined ? randomUUID() : createHash('sha256').update(identity).digest('hex').slice(0, 32);
}
