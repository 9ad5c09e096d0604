import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { until } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { extractSnippets } from '../docs/snippets.js';
import { temporaryFolder } from '../support/system.js';

const root = resolve(import.meta.dirname, '../..');
const film = resolve(root, '../shared/media/vtest_20s.mp4');
const model = resolve(root, '../shared/models/yolox_nano.onnx');
const here = existsSync(film);
const folder = temporaryFolder();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Writes the README's files into a project of their own, with a film in the place of its cameras. */
function project(): void {
  for (const { code } of extractSnippets('README.md', readFileSync(resolve(root, 'README.md'), 'utf8'))) {
    const [, name] = /^\/\/ (\S+)\n/.exec(code) ?? [];
    if (name === undefined) continue;
    mkdirSync(dirname(folder.path(name)), { recursive: true });
    writeFileSync(folder.path(name), code.replaceAll(/'(rtsp:[^']*|street\.mp4)'/g, JSON.stringify(film)));
  }
  writeFileSync(folder.path('package.json'), '{ "type": "module" }');
  mkdirSync(folder.path('node_modules'));
  symlinkSync(root, folder.path('node_modules/edgeflow'));
  symlinkSync(resolve(root, 'node_modules/rxjs'), folder.path('node_modules/rxjs'));
  mkdirSync(folder.path('models'));
  symlinkSync(model, folder.path('models/yolox-nano.onnx'));
}

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, args, {
    cwd: folder.path('.'),
    env: { ...process.env, EDGEFLOW_MODELS: folder.path('models') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return { child, ended: Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]) };
}

const archived = (): number =>
  existsSync(folder.path('archive'))
    ? readdirSync(folder.path('archive'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jpg')).length
    : 0;

test.skipIf(!here)('the README’s system runs as it stands (needs ../shared)', async () => {
  project();
  const { child, ended } = start(resolve(root, 'dist/src/cli/main.js'), 'run', 'doorbell.ts', '--reset', '--no-table');
  const log = folder.path('detections.jsonl');
  await until(
    'detections and pictures',
    () => existsSync(log) && readFileSync(log, 'utf8').includes('"person"') && archived() > 20,
    40_000,
  );
  child.kill('SIGINT');
  const [[code], stdout] = (await ended) as [[number | null], string, string];
  expect(code).toBe(0);
  expect(stdout).toMatch(/camera → logger \(durable\): (\d+) published = \1 acked \+ 0 dead-lettered \+ 0 pending/);
  expect(stdout).toMatch(/ledger balanced\n$/);
});

test.skipIf(!here)('the README’s pipeline without a system runs as it stands (needs ../shared)', async () => {
  project();
  const ownStore = `
import { EmbeddedBroker, useBroker } from 'edgeflow';
useBroker(new EmbeddedBroker({ directory: ${JSON.stringify(folder.path('store'))} }));
`;
  writeFileSync(folder.path('main.ts'), `${ownStore}await import('./pipeline.ts');`);
  const { child, ended } = start('--import', resolve(root, 'test/support/typescript.mjs'), folder.path('main.ts'));
  void ended;
  await until('pictures', () => archived() > 20, 40_000);
  child.kill('SIGKILL');
});
