import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, in memory, of a few megabytes. */
export interface TinyDisk {
  readonly directory: string;
  resize(size: string): void;
  remove(): void;
}

/** Mounts a tmpfs of a size such as `1m`; undefined where that is not permitted (it needs root). */
export function mountTinyDisk(size: string): TinyDisk | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'edgeflow-disk-'));
  const mount = (options: string): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]).status === 0;
  if (!mount(`size=${size},mode=700`)) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  return {
    directory,
    resize: (larger) => {
      if (!mount(`remount,size=${larger}`)) throw new Error(`the disk can't be made ${larger}`);
    },
    remove: () => {
      spawnSync('umount', ['--lazy', directory]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
