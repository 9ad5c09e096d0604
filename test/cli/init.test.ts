import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { knownRecipes } from '#src/cli/init/recipes.js';
import { literal, text } from '#src/cli/init/settings.js';
import { cliOfFile } from '../support/cli.js';
import { temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const start = cliOfFile();
const root = resolve(import.meta.dirname, '../..');

test('--list has a line for each recipe, with what it does', async () => {
  const [{ code, stdout }, json] = await Promise.all([start(['init', '--list']).ended, start(['init', '--list', '--json']).ended]);
  expect(code).toBe(0);
  const names = readdirSync(join(root, 'recipes')).flatMap((file) => (file.endsWith('.ts') ? [file.replace('.ts', '')] : []));
  const [header, ...lines] = stdout.trimEnd().split('\n');
  expect(header).toMatch(/^RECIPE +WHAT IT DOES$/);
  expect(lines.map((line) => /^(\w+) {2,}[A-Z].{15,}\.$/.exec(line)?.[1])).toEqual(names.sort());
  expect((JSON.parse(json.stdout) as { name: string }[]).map(({ name }) => name)).toEqual(names);
});

test('a recipe that is not there, none, and a folder that is not empty are refused, and nothing is written', async () => {
  writeFileSync(folder.path('mine.txt'), 'mine');
  const ends = await Promise.all(
    [['--recipe', 'peoplecounter'], ['--recipe', 'activeLearning'], []].map((flags) => start(['init', folder.path('.'), ...flags]).ended),
  );
  expect(ends.map(({ code }) => code)).toEqual([1, 1, 1]);
  expect(ends[0]?.stderr).toMatch(/^OPTIONS_INVALID: there is no recipe 'peoplecounter'; did you mean 'peopleCounter'\?/);
  expect(ends[1]?.stderr).toMatch(/^OPTIONS_INVALID: \S+ holds mine\.txt; expected an empty folder/);
  expect(ends[2]?.stderr).toMatch(/^OPTIONS_INVALID: no recipe is named/);
  const inFile = await Promise.all(
    ['mine.txt', 'mine.txt/door'].map((path) => start(['init', folder.path(path), '--recipe', 'activeLearning']).ended),
  );
  expect(inFile.map(({ code, stderr }) => [code, stderr])).toEqual([
    [1, expect.stringMatching(/^OPTIONS_INVALID: \S+mine\.txt is a file; expected an empty folder, or one to be made\n$/)],
    [1, expect.stringMatching(/^STORE_FAILED: the project could not be written to \S+door \(ENOTDIR.*\)\n$/)],
  ]);
  expect(readdirSync(folder.path('.'))).toEqual(['mine.txt']);
});

test('the project of a recipe is whole, and its TypeScript is right', async () => {
  const project = folder.path('Front Door');
  mkdirSync(join(project, '.git'), { recursive: true });
  const { code, stdout } = await start(['init', project, '--recipe', 'activeLearning']).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/npm install && npm start/);
  expect(readdirSync(project).sort()).toEqual([
    '.git',
    '.gitignore',
    '.npmrc',
    'README.md',
    'package.json',
    'src',
    'test',
    'tsconfig.json',
  ]);
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { name: string; dependencies: object };
  expect(manifest.name).toBe('front-door');
  expect(Object.keys(manifest.dependencies)).toEqual(['edgeflow', 'rxjs']);
  const files = readdirSync(project, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.sort()).toEqual(['src/activeLearning.ts', 'src/main.ts', 'test/main.test.ts']);
  for (const file of files) {
    const { diagnostics } = ts.transpileModule(readFileSync(join(project, file), 'utf8'), { reportDiagnostics: true });
    expect(diagnostics).toEqual([]);
  }
  expect(readFileSync(join(project, 'src/activeLearning.ts'), 'utf8')).not.toMatch(/from '\./);

  // It runs as it stands: the generated street, and the model made for it.
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/edgeflow'));
  symlinkSync(join(root, 'node_modules/rxjs'), join(project, 'node_modules/rxjs'));
  const graph = await start(['graph', join(project, 'src/main.ts')]).ended;
  expect([graph.code, graph.stderr]).toEqual([0, '']);
  expect(graph.stdout).toMatch(/camera[\s\S]*doubter[\s\S]*keeper/);
});

test('what a recipe imports from beside it is there in the package', () => {
  for (const { name, source } of knownRecipes())
    for (const [, path] of source.matchAll(/from 'edgeflow\/recipes\/([\w/]+)'/g))
      expect(existsSync(join(root, 'dist/recipes', `${path}.d.ts`)), `${path} of ${name}`).toBe(true);
});

test('texts and objects become TypeScript', () => {
  expect(text(`it's "so" \\ \n`)).toBe(String.raw`'it\'s "so" \\ \n'`);
  expect(literal(new Map([['a', '1'], ['b', 'b']]))).toBe('{\n  a: 1,\n  b,\n}'); // prettier-ignore
  expect(literal(new Map())).toBe('{}');
});
