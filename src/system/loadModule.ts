import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { EdgeFlowError } from '../errors.js';

let typescript = false;

/** Lets this process import TypeScript, where Node does not by itself. */
function enableTypeScript(): void {
  if (typescript || (process.features as { typescript?: unknown }).typescript) return;
  typescript = true;
  register('./typescriptHooks.js', import.meta.url);
}

/** What Node says of a path that is no JavaScript, such as a folder or a file of data; the last two are one, in newer and older versions. */
const noModule = [
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_IMPORT_ASSERTION_TYPE_MISSING',
];

/**
 * Imports a module by its URL: JavaScript or TypeScript.
 *
 * @throws EdgeFlowError `NODE_MODULE_INVALID` for what is neither.
 */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  if (/\.m?ts$/.test(new URL(url).pathname)) enableTypeScript();
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    const path = fileURLToPath(url);
    // The module may itself import such a path: then its own error says more.
    const isOwn =
      cause instanceof Error && [url, path].some((name) => cause.message.includes(name)) && !cause.message.includes(`from ${path}`);
    if (!isOwn || !('code' in cause && noModule.some((code) => code === cause.code))) throw cause;
    throw new EdgeFlowError('NODE_MODULE_INVALID', `${path} is no module (${cause.message}); expected a JavaScript or TypeScript file`, {
      cause,
    });
  }
}

/** The error for a module whose default export is not what it should be. */
export function wrongDefault(module: string, found: unknown, expected: string): EdgeFlowError {
  return new EdgeFlowError('NODE_MODULE_INVALID', `${module} default-exports ${kindOf(found)}; expected ${expected}`);
}

function kindOf(found: unknown): string {
  if (found === undefined) return 'nothing';
  if (found === null) return 'null';
  return typeof found === 'object' ? 'an object' : `a ${typeof found}`;
}
