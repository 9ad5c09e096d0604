import { InvalidArgumentError } from 'commander';

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads `500ms`, `10s`, `5m` or `2h` from a command line; milliseconds. */
export function parseDuration(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const scale = unitMs[unit];
  if (digits === undefined || scale === undefined) throw new InvalidArgumentError(`expected a duration such as 500ms, 10s, 5m or 2h.`);
  return Number(digits) * scale;
}

/** A duration as {@link parseDuration} reads it. */
export function formatDuration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
