import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { EdgeFlowError, errorMessage } from '../errors.js';
import { columns } from './columns.js';
import { projectFiles } from './init/project.js';
import { knownRecipes, recipeNamed } from './init/recipes.js';

interface InitFlags {
  readonly recipe?: string;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** What may lie in a folder before a project is made in it. */
const harmless = new Set(['.git', '.DS_Store']);

async function init(directory: string, { recipe: wanted, list, json = false }: InitFlags): Promise<void> {
  if (list && json) {
    console.log(
      JSON.stringify(
        knownRecipes().map(({ name, about }) => ({ name, about })),
        undefined,
        2,
      ),
    );
    return;
  }
  if (list) {
    const rows = knownRecipes().map(({ name, about }) => [name, about]);
    console.log(columns([['RECIPE', 'WHAT IT DOES'], ...rows], new Set(['RECIPE', 'WHAT IT DOES'])).join('\n'));
    return;
  }
  if (wanted === undefined)
    throw new EdgeFlowError('OPTIONS_INVALID', 'no recipe is named; expected --recipe <name>, of those that `edgeflow init --list` shows');
  const recipe = recipeNamed(wanted);
  const folder = resolve(directory);
  const there = existsSync(folder);
  if (there && !statSync(folder).isDirectory())
    throw new EdgeFlowError('OPTIONS_INVALID', `${folder} is a file; expected an empty folder, or one to be made`);
  const found = there ? readdirSync(folder).filter((name) => !harmless.has(name)) : [];
  if (found.length > 0)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${folder} holds ${found.slice(0, 3).join(', ')}; expected an empty folder, or one to be made`,
    );
  const files = await projectFiles(projectName(folder), recipe);
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // Never over a file that came meanwhile.
      writeFileSync(join(folder, path), text, { flag: 'wx' });
    }
  } catch (cause) {
    throw new EdgeFlowError('STORE_FAILED', `the project could not be written to ${folder} (${errorMessage(cause)})`, { cause });
  }
  const way = relative('.', folder);
  const next = `${way === '' ? '' : `cd ${way} && `}npm install && npm start -- --for 10s`;
  const written = [...files.keys()].map((path) => join(directory, path));
  console.log(
    json
      ? JSON.stringify({ directory: folder, recipe: recipe.name, files: written, next }, undefined, 2)
      : [...written, '', next].join('\n'),
  );
}

/** A name that npm takes. */
function projectName(folder: string): string {
  const name = basename(folder)
    .replaceAll(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'edgeflow-project' : name.slice(0, 200);
}

/** Adds `edgeflow init`. */
export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('make a project from a recipe: its pipeline, a test, and what npm needs')
    .argument('[directory]', 'an empty folder, or one to be made', '.')
    .option('--recipe <name>', 'the pipeline to start from')
    .option('--list', 'show the recipes')
    .option('--json', 'print JSON')
    .action(init);
}
