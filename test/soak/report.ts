import type { SoakResult } from './soak.js';
import { grows } from './trends.js';
import type { Measure, Trend } from './trends.js';

const megabyte = 1024 * 1024;

/** The result of a run as text: what was done to it, what holds, and how its memory went. */
export function formatResult(result: SoakResult): string {
  const { broker, messages, seconds, faults, repeated, seed, checks, trends } = result;
  return [
    '',
    `${broker}: ${messages} messages in ${seconds.toFixed(0)} s (${Math.round(messages / seconds)}/s), ${faults.length} faults, seed ${seed}`,
    ...countFaults(result).map(([fault, count]) => `  ${String(count).padStart(4)} ${fault}`),
    `  ${repeated} deliveries to the sink were repeated`,
    '',
    ...checks.map(({ statement, holds, found }) => `${holds ? 'holds ' : 'BROKEN'}  ${statement} (${found})`),
    '',
    ...trendTable(trends),
  ].join('\n');
}

/**
 * The rule of three: where none of so many faults lost anything, the chance that one does is below this, with 95 %
 * confidence (E. L. Hanley and A. Lippman-Hand, 1983).
 */
export function ruleOfThree(faults: number): number {
  return Math.min(1, 3 / faults);
}

export function formatBound(results: readonly SoakResult[]): string {
  const faults = results.reduce((sum, result) => sum + result.faults.length, 0);
  if (faults === 0) return 'no faults were done: nothing is known about loss';
  const percent = (100 * ruleOfThree(faults)).toPrecision(2);
  return `0 lost in ${faults} faults: the chance that a fault loses a message is below 3/${faults} = ${percent} %, with 95 % confidence`;
}

/** What broke in a run, one line each. */
export function brokenIn({ broker, checks }: SoakResult): string[] {
  return checks.filter(({ holds }) => !holds).map(({ statement, found }) => `${broker}: ${statement}: ${found}`);
}

function countFaults({ faults }: SoakResult): [fault: string, count: number][] {
  const counts = new Map<string, number>();
  const words = { kill: 'kill -9', pause: 'SIGSTOP and SIGCONT', restart: 'kill -9 and restart' };
  for (const { kind, target } of faults) {
    const name = `${words[kind]} of ${target.replace(/-\d+$/, '')}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

function trendTable(trends: readonly Trend[]): string[] {
  if (trends.length === 0) return ['too short to tell whether memory grows'];
  const rows = trends.map((trend) => {
    const show = amountsOf(trend.measure);
    return [
      trend.what,
      trend.measure,
      `${trend.seconds.toFixed(0)} s`,
      show(trend.mean),
      `${trend.growth < 0 ? '' : '+'}${show(trend.growth)}`,
      show(trend.tolerance),
      grows(trend) ? 'GROWS' : 'level',
    ];
  });
  const table = [['after warm-up', 'measure', 'over', 'mean', 'growth', 'tolerance', ''], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  );
}

function amountsOf(measure: Measure): (amount: number) => string {
  return measure === 'descriptors' || measure === 'handles'
    ? (count) => count.toFixed(1)
    : (bytes) => `${(bytes / megabyte).toFixed(1)} MB`;
}
