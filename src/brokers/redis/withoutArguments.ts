/**
 * An error of the driver, without the arguments of the command that it is about: ioredis notes them on the error, and some
 * servers repeat them in their text. Among them are the password, and the bytes of messages.
 */
export function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if ('command' in error) delete error.command;
  const text = error.message.replace(/,? with args beginning with:.*/s, '');
  if (text !== error.message) {
    error.message = text;
    error.stack = `${error.name}: ${text}`;
  }
  return error;
}
