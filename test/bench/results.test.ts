import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '../../bench/results');

describe('the results in the repository', () => {
  it.each(readdirSync(folder))('%s met its targets', (file) => {
    const text = readFileSync(resolve(folder, file), 'utf8');
    const { targets } = JSON.parse(text) as { targets: { statement: string; ratio: number; atLeast: number }[] };
    expect(targets.length).toBeGreaterThan(0);
    for (const { statement, ratio, atLeast } of targets) expect(ratio, statement).toBeGreaterThanOrEqual(atLeast);
  });
});
