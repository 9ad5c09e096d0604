import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { until } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { filesOf } from '#src/cli/watchFiles.js';
import { cliOfFile } from '../support/cli.js';
import { fixture, readLines, temporaryFolder } from '../support/system.js';

const start = cliOfFile();
const output = temporaryFolder();
/** In the package, so that its files can import it. */
let project = '';
afterEach(() => {
  rmSync(project, { recursive: true, force: true });
});

const labelled = (label: string): string => `
import { defineNode } from 'edgeflow';
import { tap } from 'rxjs';
import { appendFileSync } from 'node:fs';
import { suffix } from './suffix.js';
export default defineNode((values, { options }) =>
  values.pipe(tap(({ value }: any) => appendFileSync(options.file as string, JSON.stringify({ value, pid: process.pid, label: '${label}' + suffix }) + '\\n'))));
`;

test('run --watch: a changed node, or a file that it imports, is run anew; others go on, and nothing is lost', async () => {
  project = mkdtempSync(join(resolve(import.meta.dirname, '../fixtures'), 'watch-'));
  const write = (name: string, text: string): void => writeFileSync(join(project, name), text);
  const file = output.path('values.jsonl');
  write('suffix.ts', `export const suffix: string = '1';\n`);
  write('writer.ts', labelled('a'));
  write(
    'entry.ts',
    `import { QoS, System } from 'edgeflow';
const system = new System('watched');
const source = system.node(${JSON.stringify(fixture('nodes/counter.ts'))}, { name: 'source', count: 1_000_000, everyMs: 5 });
const writer = system.node('./writer.ts', { file: ${JSON.stringify(file)} });
system.link(source).to(writer, QoS.DURABLE);
export default system;
`,
  );
  expect([...filesOf(join(project, 'writer.ts'))]).toEqual([join(project, 'writer.ts'), join(project, 'suffix.ts')]);

  const { child, ended } = start(['run', join(project, 'entry.ts'), '--reset', '--no-table', '--watch', '--isolation', 'thread']);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const seen = (label: string) => until(label, () => readLines(file).some((line) => line.label === label));
  await seen('a1');
  write('writer.ts', labelled('b'));
  await seen('b1');
  write('writer.ts', 'export default (((');
  write('suffix.ts', `export const suffix: string = '2';\n`);
  await until('a word about the broken file', () => said.includes('cannot be read'));
  write('writer.ts', labelled('c'));
  await seen('c2');
  child.kill('SIGINT');
  const { stdout, stderr, code } = await ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/source → writer \(durable\): (\d+) published = \1 acked \+ 0 dead-lettered \+ 0 pending/);
  expect(stderr).toMatch(/watch \| 'writer' runs with its new file, after \d+ ms/);
  expect(stderr).toMatch(/watch \| 'writer' goes on as it was: \S*writer\.ts cannot be read: /);
  const values = [...new Set(readLines(file).map(({ value }) => value))];
  expect(values).toEqual(values.map((_, index) => index));
});
