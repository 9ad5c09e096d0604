import { register } from 'node:module';
import { EdgeFlowError } from '../errors.js';

let typescript = false;

/** Lets this process import TypeScript, where Node does not by itself. */
function enableTypeScript(): void {
  if (typescript || (process.features as { typescript?: unknown }).typescript) return;
  typescript = true;
  register('./typescriptHooks.js', import.meta.url);
}

/** Imports a module by its URL: JavaScript or TypeScript. */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  if (/\.m?ts$/.test(new URL(url).pathname)) enableTypeScript();
  return (await import(url)) as Record<string, unknown>;
}

/** The error for a module whose default export is not what it should be. */
export function wrongDefault(module: string, found: unknown, expected: string): EdgeFlowError {
  return new EdgeFlowError(
    'NODE_MODULE_INVALID',
    `${module} default-exports ${found === undefined ? 'nothing' : `a ${typeof found}`}; expected ${expected}`,
  );
}
