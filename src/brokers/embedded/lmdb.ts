import { createRequire } from 'node:module';
import type * as Lmdb from 'lmdb';

const require = createRequire(import.meta.url);
let loaded: typeof Lmdb | undefined;

/**
 * The package, loaded with the first store: 3 MB that programs on another broker do without. Its CommonJS form is one file, and takes 1 MB less
 * than the other.
 */
export function lmdb(): typeof Lmdb {
  return (loaded ??= require('lmdb') as typeof Lmdb);
}
