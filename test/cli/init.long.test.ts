import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { knownRecipes } from '#src/cli/init/recipes.js';
import { cliOfFile } from '../support/cli.js';
import { temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const start = cliOfFile();
const root = resolve(import.meta.dirname, '../..');

/** Runs a program to its end, and gives what it said. */
async function run(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const [exit, ...said] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  expect(exit[0], `${command} ${args.join(' ')}: ${said.join('')}`).toBe(0);
  return said.join('');
}

async function init(recipe: string): Promise<string> {
  const project = folder.path(recipe);
  expect((await start(['init', project, '--recipe', recipe]).ended).code).toBe(0);
  return project;
}

test('a project of the packed package is installed, tested and started as its README says', { timeout: 900_000 }, async () => {
  await run(root, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder.path('.'));
  const tarball = readdirSync(folder.path('.')).find((name) => name.endsWith('.tgz')) ?? '';
  const project = await init('peopleCounter');
  await run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', folder.path(tarball));
  await run(project, 'npm', 'run', 'check');
  await run(project, 'npm', 'test');
  const started = await run(project, 'npm', 'start', '--', '--for', '5s', '--no-table');
  expect(started).toMatch(/camera → detector \(realtime\): [1-9]/);
  expect(started).toMatch(/ledger balanced/);
  // The packed command line makes projects as well.
  await run(project, 'npx', '--no-install', 'edgeflow', 'init', folder.path('another'), '--recipe', 'queueLength');
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
    await run(project, join(root, 'node_modules/.bin/tsc'));
    await run(project, process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run');
  });
});
