import { EdgeFlowError } from 'edgeflow';

/**
 * Refuses an option.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function refuse(operator: string, what: string): never {
  throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${what}`);
}

/** Checks that an option is a number in a range. */
export function checkRange(operator: string, name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) refuse(operator, `${name} is ${value}; expected a number from ${least} to ${most}`);
}

/** Checks that an option is a number of at least `least`; Infinity passes, where nothing is ever to happen. */
export function checkAtLeast(operator: string, name: string, value: number, least: number): void {
  if (!(value >= least)) refuse(operator, `${name} is ${value}; expected a number of at least ${least}`);
}

/** Checks that an option is a time span; Infinity passes. */
export function checkSpan(operator: string, name: string, value: number): void {
  if (!(value > 0)) refuse(operator, `${name} is ${value}; expected more than 0 ms`);
}

/** Checks that an option is a whole number of at least 1. */
export function checkCount(operator: string, name: string, value: number, most = Infinity): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  refuse(operator, `${name} is ${value}; expected a whole number ${most === Infinity ? 'of at least 1' : `from 1 to ${most}`}`);
}

/** Checks that an option is one of a few words. */
export function checkWord(operator: string, name: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) refuse(operator, `${name} is '${value}'; expected ${words.map((word) => `'${word}'`).join(' or ')}`);
}
