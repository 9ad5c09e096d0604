import { open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileNamePattern, folderPattern, isBlobRef } from './blobRef.js';
import type { BlobRef } from './blobRef.js';
import { emptyWhereMissing } from './files.js';

/**
 * The index is one file of JSON lines beside the pictures of each minute, and goes when they go.
 *
 * A line is appended *before* its picture gets its name. So whoever is killed in between leaves a line without a
 * picture, which readers leave out, and never a picture without its line. Lines are appended in one write each, so that
 * several processes may share the file, and it is never rewritten, so that none of them needs a lock.
 */
export const indexName = 'index.jsonl';

const newline = 0x0a;

/** A line that was appended. */
export interface Appended {
  /**
   * To be called once, when the picture has its name or will not get it. Tells whether the line is still in the store,
   * and not in an index that another process removed in the meantime.
   */
  confirm(): Promise<boolean>;
}

/**
 * Appends a line. A torn line that a full disk or a loss of power left at the end is closed off first.
 *
 * @param sync - whether the line is on the disk when this resolves.
 */
export async function appendLine(folder: string, ref: BlobRef, sync: boolean): Promise<Appended> {
  const file = await open(join(folder, indexName), 'a+');
  let kept = false;
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1, newline);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const line = Buffer.from(`${last[0] === newline ? '' : '\n'}${JSON.stringify(ref)}\n`);
    const { bytesWritten } = await file.write(line);
    if (bytesWritten !== line.length) throw new Error('ENOSPC: the index line was cut short');
    if (sync) await file.sync();
    kept = true;
  } finally {
    if (!kept) await file.close();
  }
  return {
    confirm: async () => {
      try {
        return (await file.stat()).nlink > 0;
      } finally {
        await file.close();
      }
    },
  };
}

/** Blobs of one minute that are there, oldest first. */
export async function readIndex(root: string, folder: string): Promise<BlobRef[]> {
  const [text, names] = await Promise.all([
    emptyWhereMissing(readFile(join(root, folder, indexName), 'utf8'), ''),
    emptyWhereMissing(readdir(join(root, folder)), []),
  ]);
  const present = new Set(names);
  const found = new Map<string, BlobRef>();
  for (const line of text.split('\n')) {
    const ref = parseLine(line);
    if (ref?.path.startsWith(`${folder}/`) && present.has(ref.path.slice(folder.length + 1))) found.set(ref.path, ref);
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parseLine(line: string): BlobRef | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isBlobRef(value) ? value : undefined;
  } catch {
    // A torn line. Its picture was not stored: the line comes first.
    return undefined;
  }
}

/** The minutes' folders of a store, oldest first. */
export async function listFolders(root: string): Promise<string[]> {
  const folders: string[] = [];
  for (const day of (await emptyWhereMissing(readdir(root), [])).sort()) {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) continue;
    for (const minute of (await emptyWhereMissing(readdir(join(root, day)), [])).sort())
      if (folderPattern.test(`${day}/${minute}`)) folders.push(`${day}/${minute}`);
  }
  return folders;
}

/** Names of the pictures in a folder, oldest first. */
export async function listPictures(root: string, folder: string): Promise<string[]> {
  const names = await emptyWhereMissing(readdir(join(root, folder)), []);
  return names.filter((name) => fileNamePattern.test(name)).sort();
}
