import { EdgeFlowError, errorMessage } from '../../errors.js';
import { withoutArguments } from './withoutArguments.js';

/** The connection broke, or the server can't answer now. Whether the command was done is not known. */
export class LinkLost extends Error {
  override readonly name: string = 'LinkLost';
}

/** The server stores nothing more for now: its memory is at its limit, or its disk is full. The command was not done. */
export class NoRoom extends LinkLost {
  override readonly name = 'NoRoom';
}

export const refusedCredentials = /^(WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH|NOPERM)/;
const passing = /^(LOADING|BUSY|MASTERDOWN|TRYAGAIN|READONLY)/;
/** Before version 7, what a command within a script answers stands at the end of another error. */
const noRoom = /(^|-)(OOM|MISCONF) /;
/** A key of another type, or a script that found other values than it had stored. */
const corrupt = /^WRONGTYPE|user_script/;

/** What an error of a command means; `address` names the server. */
export function judgeRefusal(reason: unknown, address: string): Error {
  const key = keyOf(reason);
  const error = withoutArguments(reason);
  const text = errorMessage(error).replace(/\.$/, '');
  // What could not even be sent would fail again.
  if (error instanceof RangeError || error instanceof TypeError) return error;
  if (!(error instanceof Error) || error.name !== 'ReplyError' || passing.test(text)) return new LinkLost(`${address}: ${text}`);
  if (refusedCredentials.test(text))
    return new EdgeFlowError('BROKER_AUTH', `the ${address} does not permit a command: ${text}`, { cause: error });
  if (isNoRoom(error)) return new NoRoom(`the ${address} takes nothing more: ${text.replace(/ script: .*/, '')}`);
  if (corrupt.test(text))
    return new EdgeFlowError(
      'BROKER_CORRUPT',
      `the ${address} holds at '${key}', or below it, another value than EdgeFlow stores there (${text}): ` +
        'find out who writes to it, then delete the key, or run with reset: true',
      { cause: error },
    );
  return error;
}

/** Whether a server refused to store because its memory is at its limit, or its disk full. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof NoRoom || noRoom.test(errorMessage(error));
}

/** The first key of the command that was refused. ioredis tells the command; scripts have their keys third. */
function keyOf(error: unknown): string {
  const { name, args } = (error instanceof Error && 'command' in error ? error.command : {}) as { name?: string; args?: unknown[] };
  const key = args?.[name && /^eval/i.test(name) ? 2 : 0];
  return Buffer.isBuffer(key) || typeof key === 'string' ? key.toString() : 'an unknown key';
}
