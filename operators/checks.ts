import { EdgeFlowError } from 'edgeflow';

/** @throws EdgeFlowError `OPTIONS_INVALID` for a number out of its range, and for what is none. */
export function checkRange(operator: string, name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${name} is ${value}; expected a number from ${least} to ${most}`);
}

/** @throws EdgeFlowError `OPTIONS_INVALID` for what is no whole number, or is out of its range. */
export function checkCount(operator: string, name: string, value: number, most: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value <= most))
    throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${name} is ${value}; expected a whole number from 1 to ${most}`);
}
