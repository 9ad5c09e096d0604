import type { Isolation } from 'edgeflow';
import { expect, vi } from 'vitest';
import { fixture, freshEmbedded, linkOf, readLines, runsOfFile, temporaryFolder } from '../support/system.js';

/** Prepares runs of the app in which one fragment is used twice, and says what must come of it. */
export function fragmentTwice(): (isolation: Isolation) => Promise<void> {
  const folder = temporaryFolder();
  const run = runsOfFile();
  return async (isolation) => {
    const before = process.argv;
    process.argv = [before[0] ?? 'node', fixture('twice.ts'), '--directory', folder.path('.')];
    try {
      vi.resetModules();
      const { default: system } = await import('../fixtures/apps/twice.js');
      const { done } = await run(system, freshEmbedded(), { isolation, entry: fixture('twice.ts') });
      const { ledger } = await done;
      expect(ledger.balanced).toBe(true);
      expect(linkOf(ledger, 'right.numbers', 'right.doubled')).toMatchObject({ published: 3, acked: 3 });
    } finally {
      process.argv = before;
    }
    const lines = readLines(folder.path('twice.jsonl'));
    const of = (label: string): number[] => lines.filter((line) => line.label === label).map(({ value }) => value);
    expect(of('doubled')).toEqual([0, 2, 4, 6, 8]);
    expect(of('right.doubled')).toEqual([0, 2, 4]);
  };
}
