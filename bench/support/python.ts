import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { sources } from './process.js';
import type { Program } from './process.js';

/** The first on the path, and Debian's own, which alone sees the modules of Debian's packages. */
const interpreters = ['python3', '/usr/bin/python3'];

/** An interpreter that has a module; undefined where there is none. */
export function pythonWith(module: string): string | undefined {
  return interpreters.find((interpreter) => spawnSync(interpreter, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0);
}

/**
 * A script below `bench`, with the interpreter for it.
 *
 * @throws Error where no interpreter has the module.
 */
export function pythonScript(file: string, module: string): Program {
  const interpreter = pythonWith(module);
  if (interpreter === undefined) throw new Error(`no python3 here has the module '${module}'`);
  return { interpreter, script: resolve(sources, file) };
}
