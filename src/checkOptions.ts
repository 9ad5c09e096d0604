import { inspect } from 'node:util';
import { closest } from './closest.js';
import { EdgeFlowError } from './errors.js';
import type { ErrorCode } from './errors.js';

/** An option, whether what it was given can be used, and what would be. One that is left out is fine. */
export type OptionCheck = readonly [name: string, found: unknown, fine: boolean, expected: string];

/**
 * Checks options that callers without types may have given anything.
 *
 * @param owner - whose options they are, for the message.
 * @throws EdgeFlowError with the code that the caller names.
 */
export function checkOptions(owner: string, checks: readonly OptionCheck[], code: ErrorCode = 'OPTIONS_INVALID'): void {
  for (const [name, found, fine, expected] of checks)
    if (found !== undefined && !fine) throw new EdgeFlowError(code, `${owner}: ${name} is ${shown(found)}; expected ${expected}`);
}

/**
 * Checks what options are taken out of.
 *
 * @throws EdgeFlowError with the code that the caller names.
 */
export function checkObject(owner: string, options: unknown, code: ErrorCode = 'OPTIONS_INVALID'): void {
  if (!isObject(options))
    throw new EdgeFlowError(code, `${owner}: its options are ${shown(options)}; expected an object, or to be left out`);
}

/**
 * Refuses options that there are not: one whose name is misspelt would be left out in silence.
 *
 * @param known - the names that there are, as keys: so the compiler holds them to those of their type.
 * @throws EdgeFlowError with the code that the caller names.
 */
export function checkNames(
  owner: string,
  options: object,
  known: Readonly<Record<string, true>>,
  code: ErrorCode = 'OPTIONS_INVALID',
): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    const names = Object.keys(known);
    const hint = closest(name, names) ?? '';
    throw new EdgeFlowError(code, `${owner}: there is no option ${shown(name)}; did you mean '${hint}'? There is ${names.join(', ')}`);
  }
}

/** Whether a value has properties to take: `null` has none. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Short, and nothing of what lies within: it may be a password. */
export function shown(value: unknown): string {
  return inspect(value, { depth: -1, maxStringLength: 100 });
}

/** Whether a value is a number of at least so much; Infinity is one, `NaN` is none. */
export function isAtLeast(value: unknown, least: number): boolean {
  return typeof value === 'number' && value >= least;
}

/** Whether a value is a whole number of at least so much, or Infinity. */
export function isCountOrInfinity(value: unknown, least: number): boolean {
  return isAtLeast(value, least) && (value === Infinity || Number.isInteger(value));
}

/** The check of a port to listen on. */
export function portCheck(port: number): OptionCheck {
  return ['port', port, Number.isInteger(port) && port >= 0 && port <= 65_535, 'a whole number from 0 to 65535'];
}

/** Names of choices as messages list them. */
export function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}` : quoted.join('');
}
