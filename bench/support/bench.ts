import type { Spread } from './statistics.js';

/** How long a bench takes. */
export interface Effort {
  /** How often each peer is measured; the peers alternate. */
  readonly rounds: number;
  /** About how long one measurement takes. */
  readonly seconds: number;
  /** Only to see that everything runs: leave out the largest steps. */
  readonly smoke: boolean;
}

/** What one round measured: named figures, with the unit in the name. */
export interface Sample {
  /** What was sent, and how. */
  readonly scenario: string;
  readonly peer: string;
  readonly figures: Readonly<Record<string, number>>;
  /** Why this peer was not measured on this machine; it has no figures then. */
  readonly missing?: string;
}

/** All rounds of one peer in one scenario. */
export interface Row {
  readonly scenario: string;
  readonly peer: string;
  readonly figures: Readonly<Record<string, Spread>>;
  /** Why this peer was not measured on this machine. */
  readonly missing?: string;
}

/**
 * What a bench is to show: a ratio of two figures of the same run, or of a figure and its limit. More is always better:
 * where a figure is to stay small, it is the limit over the figure.
 */
export interface Target {
  readonly statement: string;
  readonly atLeast: number;
  readonly ratio: number;
}

/** One benchmark, run by `npm run bench NAME`. */
export interface Bench {
  readonly name: string;
  /** What is compared, under which conditions. Stands above the table. */
  readonly about: string;
  /** Measures; `report` is told of each sample when it is there. */
  run(effort: Effort, report: (sample: Sample) => void): Promise<void>;
  /** Called for all rounds together, and for each alone. A target whose peer is missing on this machine is left out. */
  targets(rows: readonly Row[]): Target[];
}

/** Whether a peer was found on this machine. */
export function isThere(rows: readonly Row[], peer: string): boolean {
  return rows.some((row) => row.peer === peer && row.missing === undefined);
}

/** The median of a figure; NaN where it was not measured. */
export function figureOf(rows: readonly Row[], scenario: string, peer: string, figure: string): number {
  return rows.find((row) => row.scenario === scenario && row.peer === peer)?.figures[figure]?.median ?? NaN;
}

/** The items, beginning with another one in each round: nobody always runs after the same neighbour. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const first = round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
