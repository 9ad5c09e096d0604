import { resolve } from 'node:path';
import { listFolders, readIndex } from './blobs/blobIndex.js';
import type { BlobRef } from './blobs/blobRef.js';

/**
 * What is in a store, oldest first: one reference for each file that is there. Writers may be at work meanwhile.
 *
 * @param directory - the directory that `storeBlob` wrote to. One that does not exist is an empty store.
 * @example
 * ```ts
 * for await (const { path, time } of listBlobs('archive')) console.log(new Date(time), path);
 * ```
 */
export async function* listBlobs(directory: string): AsyncGenerator<BlobRef, void> {
  const root = resolve(directory);
  for (const folder of await listFolders(root)) yield* await readIndex(root, folder);
}
