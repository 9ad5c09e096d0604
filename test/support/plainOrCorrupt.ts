import { hasCode } from '#src/errors.js';

/** Runs a decoder on bytes that may be damaged: it throws `MESSAGE_CORRUPT`, or returns what `check` accepts. */
export function plainOrCorrupt<T>(decode: () => T, check: (decoded: T) => void): void {
  let decoded: T;
  try {
    decoded = decode();
  } catch (error) {
    if (!hasCode(error, 'MESSAGE_CORRUPT')) throw error;
    return;
  }
  check(decoded);
}
