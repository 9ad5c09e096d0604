import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = resolve(root, 'bench/results');
const document = readFileSync(resolve(root, 'docs/performance.md'), 'utf8').replace(/\s+/g, ' ');

describe('the results in the repository', () => {
  it.each(readdirSync(folder))('%s met its targets, and docs/performance.md names each that it missed', (file) => {
    const { targets } = JSON.parse(readFileSync(resolve(folder, file), 'utf8')) as {
      targets: { statement: string; ratio: number; atLeast: number }[];
    };
    expect(targets.length).toBeGreaterThan(0);
    for (const { statement, ratio, atLeast } of targets) if (ratio < atLeast) expect(document).toContain(statement);
  });
});
