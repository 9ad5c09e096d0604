import type { Frame } from 'edgeflow/operators';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';

/** A file of the folder of shared test material beside the repository. */
export function shared(path: string): string {
  return resolve(import.meta.dirname, '../../../shared', path);
}

/** Whether the shared material is there; says so once where it is not. */
export function haveShared(): boolean {
  const found = existsSync(shared('README.md'));
  if (!found) console.warn(`skipped: ${shared('')} is absent, which holds the model and the pictures of this test`);
  return found;
}

/** A raw frame of one colour. */
export function plainFrame(width: number, height: number, changes: Partial<Frame> = {}): Frame {
  const channels = changes.format === 'gray8' ? 1 : 3;
  return { data: new Uint8Array(width * height * channels), width, height, format: 'rgb24', time: 1, index: 0, source: 'test', ...changes };
}

/** A folder that is removed after the file's tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'edgeflow-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
