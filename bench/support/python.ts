import { spawnSync } from 'node:child_process';

/** A python3 that has the module; Debian's own comes first, for which Debian's packages are. */
export function findPython(module: string): string | undefined {
  return ['/usr/bin/python3', 'python3'].find((python) => spawnSync(python, ['-c', `import ${module}`]).status === 0);
}
