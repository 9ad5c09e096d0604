import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { knownRecipes } from '#src/cli/init/recipes.js';
import { cliOfFile } from '../support/cli.js';
import { temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const start = cliOfFile();
const root = resolve(import.meta.dirname, '../..');

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

function run(cwd: string, command: string, ...args: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 400_000 });
  return { status, said: stdout + stderr };
}

function expectGood({ status, said }: Ended): void {
  expect(status, said).toBe(0);
}

async function init(recipe: string): Promise<string> {
  const project = folder.path(recipe);
  expect((await start(['init', project, '--recipe', recipe]).ended).code).toBe(0);
  return project;
}

test('a project of the packed package is installed, tested and started as its README says', { timeout: 900_000 }, async () => {
  expectGood(run(root, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder.path('.')));
  const tarball = readdirSync(folder.path('.')).find((name) => name.endsWith('.tgz')) ?? '';
  const project = await init('peopleCounter');
  expectGood(run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', folder.path(tarball)));
  expectGood(run(project, 'npm', 'run', 'check'));
  expectGood(run(project, 'npm', 'test'));
  const started = run(project, 'npm', 'start', '--', '--for', '5s', '--no-table');
  expectGood(started);
  expect(started.said).toMatch(/camera → detector \(realtime\): [1-9]/);
  expect(started.said).toMatch(/ledger balanced/);
  // The packed command line makes projects as well.
  expectGood(run(project, 'npx', '--no-install', 'edgeflow', 'init', folder.path('another'), '--recipe', 'queueLength'));
});

describe('the project of each recipe has right types, and its test passes', { timeout: 400_000 }, () => {
  test.each(knownRecipes().map(({ name }) => name))('%s', async (name) => {
    const project = await init(name);
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Record<string, object>;
    // What it asks for, and nothing else.
    for (const each of Object.keys({ ...dependencies, ...devDependencies })) {
      const place = join(project, 'node_modules', each);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(each === 'edgeflow' ? root : join(root, 'node_modules', each), place);
    }
    expectGood(run(project, join(root, 'node_modules/.bin/tsc')));
    expectGood(run(project, process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run'));
  });
});
