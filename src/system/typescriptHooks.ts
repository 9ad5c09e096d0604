/**
 * Module hooks that let Node import TypeScript: the types are taken out, line by line, and nothing is checked. Loaded into
 * Node's hook thread by `loadModule`. A full TypeScript runner does more, and costs each worker a second process at start.
 */
import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';

/** Source files import each other by the names of their compiled selves: './camera.js' may be './camera.ts'. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    const source = specifier.replace(/\.([cm]?)js$/, '.$1ts');
    if (source === specifier || !/^(\.|\/|file:)/.test(specifier)) throw error;
    try {
      return await next(source, context);
    } catch {
      throw error;
    }
  }
};

export const load: LoadHook = async (url, context, next) => {
  if (!url.startsWith('file:') || !/\.m?ts$/.test(new URL(url).pathname)) return next(url, context);
  const filePath = fileURLToPath(url);
  const { code } = transform(await readFile(filePath, 'utf8'), {
    transforms: ['typescript'],
    disableESTransforms: true,
    preserveDynamicImport: true,
    keepUnusedImports: true,
    filePath,
  });
  return { format: 'module', source: code, shortCircuit: true };
};
