import { EdgeFlowError } from '../errors.js';

/**
 * Checks how many values an operator works on at once; text passes for no number.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkConcurrency(where: string, concurrency: number): void {
  if (typeof concurrency === 'number' && concurrency >= 1) return;
  throw new EdgeFlowError('OPTIONS_INVALID', `${where}: concurrency is ${String(concurrency)}; expected a number of at least 1`);
}

/**
 * Checks that an option is a number above 0; Infinity passes, and text does not.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkPositive(where: string, name: string, value: number): void {
  if (typeof value === 'number' && value > 0) return;
  throw new EdgeFlowError('OPTIONS_INVALID', `${where}: ${name} is ${String(value)}; expected a number of more than 0`);
}
