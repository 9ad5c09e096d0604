import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Effort, Row, Sample, Target } from './bench.js';
import type { HostFacts } from './host.js';
import { spread } from './statistics.js';
import type { Spread } from './statistics.js';

/** Rounds of one peer in one scenario become one row, in the order in which they were first seen. */
export function rowsOf(samples: readonly Sample[]): Row[] {
  const unique = (values: readonly string[]): string[] => [...new Set(values)];
  return unique(samples.map(({ scenario }) => scenario)).flatMap((scenario) => {
    const within = samples.filter((sample) => sample.scenario === scenario);
    return unique(within.map(({ peer }) => peer)).map((peer): Row => {
      const rounds = within.filter((sample) => sample.peer === peer);
      const names = unique(rounds.flatMap(({ figures }) => Object.keys(figures)));
      const figures = names.map((name) => [name, spread(rounds.map((round) => round.figures[name] ?? NaN))] as const);
      const missing = rounds.find((round) => round.missing !== undefined)?.missing;
      return { scenario, peer, figures: Object.fromEntries(figures), ...(missing !== undefined && { missing }) };
    });
  });
}

/** A target, and how far its ratio lay apart in the rounds. */
export interface MeasuredTarget extends Target {
  readonly min: number;
  readonly max: number;
}

/** The targets of all rounds together, with the least and the greatest ratio of a single round. */
export function targetsOf(bench: Pick<Bench, 'targets'>, samples: readonly Sample[]): MeasuredTarget[] {
  const rounds = roundsOf(samples).map((round) => bench.targets(rowsOf(round)));
  return bench.targets(rowsOf(samples)).map((target) => {
    const single = rounds.flatMap((targets) => targets.filter(({ statement }) => statement === target.statement));
    // A round that did not measure all that the ratio needs says nothing of it.
    const ratios = [target, ...single].map(({ ratio }) => ratio).filter((ratio) => !Number.isNaN(ratio));
    return { ...target, min: Math.min(...ratios), max: Math.max(...ratios) };
  });
}

/** The first samples of every peer, the second ones, and so on. */
function roundsOf(samples: readonly Sample[]): Sample[][] {
  const rounds: Sample[][] = [];
  const seen = new Map<string, number>();
  for (const sample of samples) {
    const key = `${sample.scenario}\n${sample.peer}`;
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    (rounds[round] ??= []).push(sample);
  }
  return rounds;
}

/** A table a scenario: a row a peer, a column a figure. */
export function formatTables(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (const scenario of new Set(rows.map((row) => row.scenario))) {
    const within = rows.filter((row) => row.scenario === scenario);
    const names = [...new Set(within.flatMap(({ figures }) => Object.keys(figures)))];
    const measured = within.filter(({ missing }) => missing === undefined);
    lines.push(
      '',
      scenario,
      ...columns([['', ...names], ...measured.map(({ peer, figures }) => [peer, ...names.map((name) => cell(figures[name]))])]),
      ...within.flatMap(({ peer, missing }) => (missing === undefined ? [] : [`${peer}: not measured, ${missing}`])),
    );
  }
  return lines.join('\n');
}

/** One line a target. */
export function formatTarget({ statement, ratio, min, max, atLeast }: MeasuredTarget): string {
  const rounds = min === max ? '' : ` (${short(min)}–${short(max)})`;
  return `${met({ ratio, atLeast }) ? 'met   ' : 'MISSED'}  ${statement}: ${short(ratio)}x${rounds}, target at least ${atLeast}x`;
}

/** Whether the ratio reaches what was promised. NaN, of what was not measured, does not. */
export function met({ ratio, atLeast }: Pick<Target, 'ratio' | 'atLeast'>): boolean {
  return ratio >= atLeast;
}

/** The file that a bench's results are written to, for people and for programs that compare runs. */
export interface Results {
  readonly name: string;
  readonly about: string;
  readonly host: HostFacts;
  readonly effort: Pick<Effort, 'rounds' | 'seconds'>;
  readonly targets: readonly (MeasuredTarget & { readonly met: boolean })[];
  readonly rows: readonly Row[];
}

/** Writes `<name>.json`, and returns its path. */
export function writeResults(folder: string, results: Omit<Results, 'targets'> & { readonly targets: readonly MeasuredTarget[] }): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results.name}.json`);
  const targets = results.targets.map(({ statement, atLeast, ratio, min, max }) => ({
    statement,
    atLeast,
    ratio: short(ratio),
    min: short(min),
    max: short(max),
    met: met({ ratio, atLeast }),
  }));
  writeFileSync(file, `${JSON.stringify({ ...results, targets }, undefined, 2)}\n`);
  return file;
}

/** What an earlier run wrote; undefined where there is none. */
export function readResults(folder: string, name: string): Results | undefined {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined;
}

function short(value: number): number {
  return Number(value.toPrecision(3));
}

function cell(figure: Spread | undefined): string {
  if (!figure || Number.isNaN(figure.median)) return '–';
  return figure.min === figure.max ? String(figure.median) : `${figure.median} (${figure.min}–${figure.max})`;
}

function columns(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join('  '),
  );
}
