import { mkdirSync, writeFileSync } from 'node:fs';
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
      return { scenario, peer, figures: Object.fromEntries(figures) };
    });
  });
}

/** A table a scenario: a row a peer, a column a figure. */
export function formatTables(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (const scenario of new Set(rows.map((row) => row.scenario))) {
    const within = rows.filter((row) => row.scenario === scenario);
    const names = Object.keys(within[0]?.figures ?? {});
    lines.push(
      '',
      scenario,
      ...columns([['', ...names], ...within.map(({ peer, figures }) => [peer, ...names.map((name) => cell(figures[name]))])]),
    );
  }
  return lines.join('\n');
}

/** One line a target. */
export function formatTarget({ statement, ratio, atLeast }: Target): string {
  return `${met({ ratio, atLeast }) ? 'met   ' : 'MISSED'}  ${statement}: ${ratio.toFixed(1)}x, target at least ${atLeast}x`;
}

/** Whether the ratio reaches what was promised. NaN, of what was not measured, does not. */
export function met({ ratio, atLeast }: Pick<Target, 'ratio' | 'atLeast'>): boolean {
  return ratio >= atLeast;
}

/** Writes `<name>.json` for people and programs that compare runs. */
export function writeResults(folder: string, bench: Bench, effort: Effort, host: HostFacts, rows: readonly Row[]): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${bench.name}.json`);
  const targets = bench.targets(rows).map((target) => ({ ...target, ratio: Number(target.ratio.toPrecision(3)), met: met(target) }));
  writeFileSync(file, `${JSON.stringify({ name: bench.name, about: bench.about, host, effort, targets, rows }, undefined, 2)}\n`);
  return file;
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
