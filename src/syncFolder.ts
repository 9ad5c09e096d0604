import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Has the disk take the names of a folder's files: a new file that was synced may lack its name after a loss of power. */
export function syncFolder(directory: string): void {
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
