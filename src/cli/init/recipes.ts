import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { closest } from '../../closest.js';
import { EdgeFlowError } from '../../errors.js';
import { loadModule, wrongDefault } from '../../system/loadModule.js';
import { isRecipe } from '../../system/recipe.js';
import type { Recipe } from '../../system/recipe.js';

const packageRoot = new URL('../../../../', import.meta.url);
const sources = new URL('recipes/', packageRoot);

/** A recipe that comes with EdgeFlow. */
export interface KnownRecipe {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly about: string;
  /** Its TypeScript, with the package's names in its imports. */
  readonly source: string;
}

/** All recipes, by name. */
export function knownRecipes(): KnownRecipe[] {
  if (!existsSync(sources)) return [];
  return readdirSync(sources)
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .flatMap((file) => {
      const name = basename(file, '.ts');
      const text = readFileSync(new URL(file, sources), 'utf8');
      return new RegExp(`^export const ${name} = defineRecipe\\(`, 'm').test(text) ? [{ name, about: aboutOf(name, text), source: adapted(text) }] : []; // prettier-ignore
    });
}

/** @throws EdgeFlowError `OPTIONS_INVALID` for a name that no recipe has, with the closest that one has. */
export function recipeNamed(name: string): KnownRecipe {
  const all = knownRecipes();
  const found = all.find((recipe) => recipe.name === name);
  if (found) return found;
  const names = all.map((recipe) => recipe.name);
  const hint = closest(name, names);
  throw new EdgeFlowError(
    'OPTIONS_INVALID',
    `there is no recipe '${name}'${hint === undefined ? '' : `; did you mean '${hint}'?`} \`edgeflow init --list\` shows all: ${names.join(', ')}`,
  );
}

/** The recipe itself, from the package's compiled modules. */
export async function loadRecipe(name: string): Promise<Recipe<Record<string, unknown>>> {
  const path = fileURLToPath(new URL(`dist/recipes/${name}.js`, packageRoot));
  const { default: exported } = await loadModule(pathToFileURL(path).href);
  if (isRecipe(exported)) return exported;
  throw wrongDefault(path, exported, 'defineRecipe(…)');
}

/** The first sentence of the comment before the recipe, on one line. */
function aboutOf(name: string, text: string): string {
  const before = text.slice(0, text.indexOf(`export const ${name} =`));
  // Up to the first line that has nothing but its asterisk.
  const [paragraph = ''] = before.slice(before.lastIndexOf('/**') + 3).split(/\n \*\n|\*\//);
  const words = paragraph.replaceAll(/^\s*\*?\s*/gm, '').replaceAll(/\s+/g, ' ').trim(); // prettier-ignore
  return (/^.*?[.:](?= [A-Z`]|$)/.exec(words)?.[0] ?? words).replace(/:$/, '.');
}

/** What lies beside a recipe is imported from the package. */
function adapted(text: string): string {
  return text.replaceAll(/(from )'\.\/([\w/-]+)\.js'/g, "$1'edgeflow/recipes/$2'");
}
