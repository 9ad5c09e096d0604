import { chmodSync, closeSync, fsync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from '../../../syncFolder.js';
import { checkpointDraft, draftOf } from '../directory.js';
import { openFile } from '../environment.js';
import { binary } from '../tables.js';
import type { Environment } from '../tables.js';
import { checkpointName, checkpointOf, positionKey, positionRecord, segmentOf, startPosition } from './format.js';
import type { Position } from './format.js';

/**
 * Copies a consistent state of an environment to the disk, and deletes what only earlier states needed. Several processes may do
 * so at once: each deletes what is older than its own.
 *
 * @returns where the journal goes on behind it.
 */
export async function writeCheckpoint(directory: string, control: Environment): Promise<Position> {
  const draft = draftOf(path.join(directory, checkpointDraft));
  try {
    await control.backup(draft, true);
    chmodSync(draft, 0o600);
    const position = await positionIn(draft);
    await syncFile(draft);
    renameSync(draft, path.join(directory, checkpointName(position.number)));
    syncFolder(directory);
    removeOlder(directory, position);
    return position;
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}-lock`, { force: true });
  }
}

async function positionIn(file: string): Promise<Position> {
  const copy = openFile(file, { path: file, tables: ['store'], mapSize: undefined, synced: false, writeMap: false });
  try {
    const stored = copy.openDB<Uint8Array, Uint8Array>('store', binary).getBinary(positionKey);
    return stored ? positionRecord.decode(stored) : startPosition;
  } finally {
    await copy.close();
  }
}

async function syncFile(file: string): Promise<void> {
  const descriptor = openSync(file, 'r+');
  try {
    await promisify(fsync)(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function removeOlder(directory: string, { number, segment }: Position): void {
  for (const name of readdirSync(directory)) {
    const old = (checkpointOf(name) ?? Infinity) < number || (segmentOf(name) ?? Infinity) < segment;
    if (old) rmSync(path.join(directory, name), { force: true });
  }
}
