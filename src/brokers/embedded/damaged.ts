import { EdgeFlowError } from '../../errors.js';

/** The error for bytes of the store that are not what EdgeFlow wrote there. */
export function damaged(what: string): EdgeFlowError {
  return new EdgeFlowError(
    'MESSAGE_CORRUPT',
    `${what} cannot be read: its bytes in the store were changed. Reset the broker; or stop all that use the store and delete its folder`,
  );
}

/** Parses JSON of the store, which must be of the form that `isForm` knows. */
export function parseStored<T>(text: string, what: string, isForm: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's words quote what it found, and help nobody.
    throw damaged(what);
  }
  if (!isForm(value)) throw damaged(what);
  return value;
}
