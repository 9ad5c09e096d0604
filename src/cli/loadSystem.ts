import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EdgeFlowError } from '../errors.js';
import { loadModule, wrongDefault } from '../system/loadModule.js';
import { flagOf, isRecipe, systemOf } from '../system/recipe.js';
import type { System } from '../system/system.js';
import { columns } from './columns.js';

/** Node's exit code where nothing is left to do, and an await at the top level has not settled. */
const unsettledAwait = 13;

/** A System and the path of the module that it came from. */
export interface LoadedSystem {
  readonly entry: string;
  readonly system: System;
}

/**
 * The absolute path of an entry module.
 *
 * @throws EdgeFlowError `NODE_MODULE_MISSING`, `NODE_MODULE_INVALID` for a folder.
 */
export function entryPath(path: string): string {
  const entry = resolve(path);
  if (!existsSync(entry))
    throw new EdgeFlowError('NODE_MODULE_MISSING', `there is no file ${entry}: the path starts at the working directory`);
  if (statSync(entry).isDirectory())
    throw new EdgeFlowError('NODE_MODULE_INVALID', `${entry} is no module: it is a folder; expected a JavaScript or TypeScript file`);
  return entry;
}

/**
 * Imports an entry module and takes the System that it default-exports.
 *
 * @param args - the entry's own arguments, which it reads as if it had been started by node.
 * @throws EdgeFlowError `NODE_MODULE_MISSING`, `NODE_MODULE_INVALID`
 */
export async function loadSystem(path: string, args: readonly string[]): Promise<LoadedSystem> {
  const entry = entryPath(path);
  process.argv = [process.argv[0] ?? 'node', entry, ...args];
  const { default: exported } = await importEntry(entry);
  if (isRecipe(exported) && args.includes('--help')) {
    console.log(help(exported.defaults).join('\n'));
    process.exit(0);
  }
  const system = systemOf(exported, args);
  if (system) return { entry, system };
  throw wrongDefault(entry, exported, 'a System, or defineRecipe(…)');
}

/** Node ends a process in silence where nothing is left that could settle what a module awaits. */
async function importEntry(entry: string): Promise<Record<string, unknown>> {
  const tell = (): void => {
    if (process.exitCode !== unsettledAwait) return;
    console.error(`NODE_MODULE_INVALID: ${entry} awaits what never comes, so it cannot be loaded; look at the awaits at its top level`);
    process.exit(1);
  };
  process.on('exit', tell);
  try {
    return await loadModule(pathToFileURL(entry).href);
  } finally {
    process.off('exit', tell);
  }
}

/** The options of a recipe and their defaults. */
function help(defaults: Readonly<Record<string, unknown>>): string[] {
  const rows = Object.entries(defaults).map(([name, value]) => [`--${flagOf(name)}`, value === undefined ? '–' : JSON.stringify(value)]);
  return columns([['OPTION', 'DEFAULT'], ...rows], new Set(['OPTION', 'DEFAULT']));
}
