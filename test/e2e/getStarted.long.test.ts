import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { extractSnippets } from '../docs/snippets.js';
import { temporaryFolder } from '../support/system.js';

const root = resolve(import.meta.dirname, '../..');
const page = 'docs/get-started.md';
const film = resolve(root, '../shared/media/vtest_20s.mp4');
const model = resolve(root, '../shared/models/yolox_nano.onnx');
const folder = temporaryFolder();

/** Writes the page's files into a project of their own. */
beforeEach(() => {
  for (const { code } of extractSnippets(page, readFileSync(resolve(root, page), 'utf8')))
    writeFileSync(folder.path(/^\/\/ (\S+)\n/.exec(code)?.[1] ?? ''), code);
  writeFileSync(folder.path('package.json'), '{ "type": "module" }');
  mkdirSync(folder.path('node_modules'));
  for (const [name, target] of [
    ['edgeflow', root],
    ['rxjs', resolve(root, 'node_modules/rxjs')],
  ] as const)
    symlinkSync(target, folder.path(`node_modules/${name}`));
});

const node = (...args: readonly string[]) => spawnSync(process.execPath, args, { cwd: folder.path('.'), encoding: 'utf8' });
const edgeflow = (...args: readonly string[]) => node(resolve(root, 'dist/src/cli/main.js'), ...args);

function firstDetection(): unknown {
  const [line = ''] = readFileSync(folder.path('detections.jsonl'), 'utf8').split('\n');
  return JSON.parse(line);
}

test('the first pipeline prints what stands in the page', () => {
  const { stdout } = node('first.js');
  expect(stdout.split('\n').filter(Boolean)).toHaveLength(3);
  expect(readFileSync(resolve(root, page), 'utf8')).toContain(stdout);
});

test('the System runs on the drawn street', () => {
  const { stdout, status } = edgeflow('run', 'corner.ts', '--reset', '--no-table', '--for', '15s');
  expect(status).toBe(0);
  expect(stdout).toMatch(/camera → recorder \(durable\): [1-9]\d* published/);
  expect(stdout).toMatch(/ledger balanced\n$/);
  expect(firstDetection()).toMatchObject({ objects: expect.arrayContaining([expect.objectContaining({ label: 'person' })]) as unknown });
});

test.skipIf(!existsSync(film))('the System runs on a film and a model of its user (needs ../shared)', () => {
  const own = ['--source', film, '--model', model];
  const { stdout, status } = edgeflow('run', 'corner.ts', '--reset', '--no-table', '--for', '15s', '--', ...own);
  expect(status).toBe(0);
  expect(stdout).toMatch(/ledger balanced\n$/);
  expect(firstDetection()).toMatchObject({ source: 'vtest_20s.mp4', model: 'yolox_nano' });
});
