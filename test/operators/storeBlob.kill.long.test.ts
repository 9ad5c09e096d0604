import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { listBlobs, loadBlob, storeBlob } from 'edgeflow/operators';
import type { BlobRef } from 'edgeflow/operators';
import { from, lastValueFrom, of, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { fixture, temporaryFolder } from './systemSupport.js';

/** Runs a writer until it has reported so many pictures, then kills it. Returns the last one that it reported. */
async function writeAndKill(directory: string, first: number, count: number): Promise<number> {
  const child = spawn(process.execPath, [fixture('store-blobs.mjs'), directory, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    if (text.split('\n').length > count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return Number(text.split('\n').at(-2));
}

test('kill -9 in mid-write: what was settled is there, whole, once', async () => {
  const directory = temporaryFolder();
  let next = 0;
  let settled = -1;
  for (let kill = 0; kill < 6; kill++) {
    settled = await writeAndKill(directory, next, 40 + kill * 7);
    // The broker does not know of the last acks: those messages come again.
    next = settled - 4;
  }
  const two = await Promise.all([writeAndKill(directory, next, 30), writeAndKill(directory, next, 50)]);
  settled = Math.max(...two);

  await lastValueFrom(
    of({ data: new Uint8Array(3), width: 1, height: 1, format: 'rgb24' as const, time: 0, index: 0, source: 'end' }).pipe(
      storeBlob({ directory, format: 'raw' }),
    ),
  );
  expect(readdirSync(join(directory, '.tmp'))).toEqual([]);

  const refs: BlobRef[] = [];
  for await (const ref of listBlobs(directory)) if (ref.source === 'kill') refs.push(ref);
  const indexes = refs.map(({ index }) => index);
  expect(indexes).toEqual(Array.from({ length: indexes.length }, (_, index) => index));
  expect(indexes.length).toBeGreaterThan(settled);
  const frames = await lastValueFrom(from(refs).pipe(loadBlob({ directory }), toArray()));
  for (const { data, index } of frames) expect(data.every((byte) => byte === index % 256)).toBe(true);
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.rgb24'));
  expect(files.length).toBe(refs.length + 1);
});
