import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

describe('the results in the repository', () => {
  it.each(['hop', 'durable'])('of %s met their targets', (name) => {
    const text = readFileSync(resolve(root, `bench/results/${name}.json`), 'utf8');
    const { targets } = JSON.parse(text) as { targets: { statement: string; ratio: number; atLeast: number }[] };
    expect(targets.length).toBeGreaterThan(0);
    for (const { statement, ratio, atLeast } of targets) expect(ratio, statement).toBeGreaterThanOrEqual(atLeast);
  });
});
