import path from 'node:path';
import { claimFile, releaseFile } from '../../claimFile.js';
import { mainFile } from './directory.js';

/**
 * Makes a client of this process the main one of a store, unless another one that lives is.
 *
 * @returns whether it is the main one now.
 */
export function claimMain(directory: string, session: number): boolean {
  return claimFile(path.join(directory, mainFile), session);
}

/** Gives a client's claim back. */
export function releaseMain(directory: string, session: number): void {
  releaseFile(path.join(directory, mainFile), session);
}
