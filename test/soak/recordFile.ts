import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { isWhole } from './value.js';
import type { SoakValue } from './value.js';

/** One value that a node wrote down. */
export interface Recorded {
  readonly pid: number;
  readonly number: number;
  /** Whether its bytes were the right ones. */
  readonly whole: boolean;
}

/** Writes values down. In brackets, because what a killed process was writing may be cut off, and `12` must not stand for `123`. */
export function record(file: string, values: readonly SoakValue[]): void {
  appendFileSync(file, values.map((value) => `<${process.pid} ${value.number}${isWhole(value) ? '' : '!'}>`).join(''));
}

export function readRecord(file: string): Recorded[] {
  if (!existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(/<(\d+) (\d+)(!?)>/g)].map(([, pid, number, wrong]) => ({
    pid: Number(pid),
    number: Number(number),
    whole: wrong === '',
  }));
}
