import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import { fixture, readLines, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const start = cliOfFile();

/** Pids of the processes whose command line holds a text. */
function processesOf(pattern: string): number[] {
  return spawnSync('pgrep', ['-f', pattern], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean).map(Number);
}

function fanout(...args: readonly string[]): string[] {
  return ['run', fixture('fanout.ts'), '--reset', '--no-table', '--', '--directory', folder.path('.'), ...args];
}

test.each<[string, RegExp]>([
  ['graph', /^ticking\n {2}nothing\n$/],
  ['plan', /stored: /],
  ['run', /ledger balanced\n$/],
])('%s ends when it has done its work, though the entry left a timer', async (command, printed) => {
  const { code, stdout } = await start([command, fixture('tickingSystem.ts')]).ended;
  expect([code, stdout]).toEqual([0, expect.stringMatching(printed) as string]);
});

test('run: ends by itself when the source has completed, with its ledger', async () => {
  const { code, stdout } = await start(fanout('--count', '50')).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/source → all \(durable\): 50 published = 50 acked \+ 0 dead-lettered \+ 0 pending/);
  expect(stdout).toMatch(/ledger balanced\n$/);
});

test.each([
  ['SIGINT', 'process'],
  ['SIGTERM', 'process'],
  ['SIGINT', 'thread'],
  ['SIGTERM', 'inline'],
] as const)('run: %s drains and ends with a balanced ledger and nothing pending, isolation %s', async (signal, isolation) => {
  const [command = '', entry = '', ...rest] = fanout('--count', '100000', '--everyMs', '1');
  const { child, ended } = start([command, entry, '--isolation', isolation, ...rest]);
  await until('some values', () => readLines(folder.path('all.jsonl')).length > 50);
  child.kill(signal);
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/source → all \(durable\): (\d+) published = \1 acked \+ 0 dead-lettered \+ 0 pending/);
  expect(stdout).toMatch(/ledger balanced\n$/);
});

test('run --for: ends after its time', async () => {
  const { code, stdout } = await start([
    'run',
    fixture('fanout.ts'),
    '--reset',
    '--no-table',
    '--for',
    '500ms',
    '--',
    '--directory',
    folder.path('.'),
    '--count',
    '100000',
  ]).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/ledger balanced\n$/);
});

test('kill -9 of the supervisor leaves no process behind', async () => {
  const { child } = start(fanout('--count', '100000'));
  await until('some values', () => readLines(folder.path('all.jsonl')).length > 10);
  const workers = [...new Set(readLines(folder.path('all.jsonl')).map(({ pid }) => pid))];
  expect(workers.length).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await until('all workers are gone', () => workers.every((pid) => !processesOf('fanout/').includes(pid)));
});

test('run: inline operators run in processes of their own', async () => {
  const { code, stdout } = await start(['run', fixture('inline.ts'), '--reset', '--no-table', '--', '--directory', folder.path('.')]).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/doubled → written \(durable\): 10 published = 10 acked/);
  const lines = readLines(folder.path('inline.jsonl'));
  expect(lines.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, index) => (index + 1) * 2));
  expect(new Set(lines.map(({ pid }) => pid)).size).toBe(1);
});

test.each([
  [['run', 'nowhere.ts'], /NODE_MODULE_MISSING: there is no file .*nowhere\.ts/],
  [['run', fixture('notANode.ts')], /NODE_MODULE_INVALID: .*default-exports a number; expected a System/],
  [['run', 'x.ts', '--for', 'soon'], /expected a duration such as/],
  [['run', 'x.ts', '--broker', 'kafka'], /expected embedded, or redis/],
  [['run', 'x.ts', '--isolation', 'container'], /Allowed choices are process, thread, inline/],
  [['run', 'x.ts', '--resume', '--reset'], /option '--resume' cannot be used with option '--reset \[scope\]'/],
  [['runn'], /unknown command 'runn'/],
  [['run', '--reset', 'x.ts'], /'x\.ts' is invalid.*expected namespace, or nothing.*put it before --reset, or -- between/],
  [['run', '--dashboard', 'x.ts'], /'x\.ts' looks like a module.*put it before --dashboard, or -- between/],
  [['run', fixture('.')], /^NODE_MODULE_INVALID: .*apps is no module/],
  [['graph', resolve('package.json')], /^NODE_MODULE_INVALID: .*package\.json is no module/],
  [['graph', fixture('data.jsonl')], /^NODE_MODULE_INVALID: .*data\.jsonl is no module/],
  [['run', fixture('ticking.ts'), '--dashboard-control'], /^OPTIONS_INVALID: --dashboard-control .* without --dashboard/],
  [
    ['run', fixture('ticking.ts'), '--dashboard-tls-key', 'k', '--dashboard-tls-cert', 'c'],
    /^OPTIONS_INVALID: --dashboard-tls-key .* without/,
  ],
  [
    ['run', fixture('ticking.ts'), '--dashboard', '--dashboard-tls-key', 'k', '--dashboard-tls-cert', 'c'],
    /^OPTIONS_INVALID: .* cannot be read/,
  ],
  [
    ['run', fixture('objectNode.ts')],
    /^NODE_MODULE_INVALID: node 'anObject': file:\S+anObject\.ts default-exports an object; expected export/,
  ],
  [['run', fixture('unsettled.ts')], /^NODE_MODULE_INVALID: \S+unsettled\.ts awaits what never comes, so it cannot be loaded; .*\n$/],
  [['run', fixture('ticking.ts')], /^NODE_MODULE_INVALID: .*default-exports nothing/],
  [['graph', fixture('ticking.ts')], /^NODE_MODULE_INVALID: .*default-exports nothing/],
])('%j is refused with a clear message and exit code 1', async (args, message) => {
  const { code, stderr } = await start(args).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n\s+at /);
});
