import type { Isolation } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { fixture, range, readLines } from '../support/system.js';

const cli = resolve(import.meta.dirname, '../../dist/src/cli/main.js');

/**
 * Kills the supervisor of a running system with SIGKILL, waits until its workers have ended too, resumes, and checks that
 * each published value was recorded.
 *
 * @param where - arguments of the fixture `durable.ts` that name its broker.
 * @param file - where its node records.
 */
export async function killAndResume(where: readonly string[], file: string, isolation: Isolation = 'process'): Promise<void> {
  const run = (flags: readonly string[], count: number, workMs: number): ChildProcess => {
    const own = ['--', ...where, '--file', file, '--count', String(count), '--workMs', String(workMs)];
    return spawn(process.execPath, [cli, 'run', fixture('durable.ts'), '--no-table', '--isolation', isolation, ...flags, ...own], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  };
  const first = run([], 1_000, 10);
  try {
    await until('some values', () => readLines(file).length > 30, 20_000);
  } finally {
    first.kill('SIGKILL');
  }
  const worker = readLines(file).at(-1)?.pid ?? 0;
  await until('its workers are gone', () => !existsSync(`/proc/${worker}`));

  const resumed = run(['--resume'], 0, 0);
  if (!resumed.stdout) throw new Error('no output');
  const output = await text(resumed.stdout);
  const [, published] = /source → all \(durable\): (\d+) published = \1 acked \+ 0 dead-lettered \+ 0 pending/.exec(output) ?? [output];
  expect(output).toContain('ledger balanced');
  expect(Number(published)).toBeGreaterThan(30);
  expect(new Set(readLines(file).map(({ value }) => value))).toEqual(new Set(range(Number(published))));
}
