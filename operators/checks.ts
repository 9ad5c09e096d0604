import { inspect } from 'node:util';
import { EdgeFlowError } from 'edgeflow';

/**
 * Refuses an option.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function refuse(operator: string, what: string): never {
  throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${what}`);
}

/** Checks an option that must be there: programs without types may leave it out, or misspell its name. */
export function checkNeeded(operator: string, name: string, found: unknown, fine: boolean, expected: string): void {
  if (fine) return;
  // Short, and nothing of what lies within: it may be a password.
  const shown = found === undefined ? 'missing' : inspect(found, { depth: -1, maxStringLength: 100 });
  refuse(operator, `${name} is ${shown}; expected ${expected}`);
}

/** Whether a value has properties to take: `null` has none. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Checks a callback that must be there. */
export function checkFunction(operator: string, name: string, found: unknown): void {
  checkNeeded(operator, name, found, typeof found === 'function', 'a function');
}

/** Programs without types, and options out of files, bring text in place of numbers: `'5' >= 1`, but `'5' + 1` is no 6. */
function checkNumber(operator: string, name: string, value: number, fits: (value: number) => boolean, expected: string): void {
  if (typeof value === 'number' && fits(value)) return;
  refuse(operator, `${name} is ${typeof value === 'string' ? `'${value as string}'` : String(value)}; expected ${expected}`);
}

/** Checks that an option is a number in a range. */
export function checkRange(operator: string, name: string, value: number, least: number, most: number): void {
  checkNumber(operator, name, value, (found) => found >= least && found <= most, `a number from ${least} to ${most}`);
}

/** Checks that an option is a number of at least `least`; Infinity passes, where nothing is ever to happen. */
export function checkAtLeast(operator: string, name: string, value: number, least: number): void {
  checkNumber(operator, name, value, (found) => found >= least, `a number of at least ${least}`);
}

/** Checks that an option is a number above 0; Infinity passes. */
export function checkPositive(operator: string, name: string, value: number): void {
  checkNumber(operator, name, value, (found) => found > 0, 'a number of more than 0');
}

/** Checks that an option is a time span; Infinity passes, where nothing is ever to happen. */
export function checkSpan(operator: string, name: string, value: number): void {
  checkNumber(operator, name, value, (found) => found > 0, 'more than 0 ms');
}

/** Checks that an option is a time span that has an end. */
export function checkFiniteSpan(operator: string, name: string, value: number): void {
  checkNumber(operator, name, value, (found) => found > 0 && found < Infinity, 'more than 0 ms, and less than Infinity');
}

/** Checks that an option is a whole number of at least 1. */
export function checkCount(operator: string, name: string, value: number, most = Infinity): void {
  const expected = `a whole number ${most === Infinity ? 'of at least 1' : `from 1 to ${most}`}`;
  checkNumber(operator, name, value, (found) => Number.isInteger(found) && found >= 1 && found <= most, expected);
}

/** Checks that an option is one of a few words. */
export function checkWord(operator: string, name: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) refuse(operator, `${name} is '${value}'; expected ${words.map((word) => `'${word}'`).join(' or ')}`);
}
