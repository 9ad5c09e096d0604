import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { camera } from 'edgeflow/operators';
import { lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { makeExecutable } from '#operators/ffmpeg/bundled.js';
import { setEnv, shared, smallDisk, temporaryFolder } from './systemSupport.js';

const street = shared('media/vtest_20s.mp4');

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('@ffmpeg-installer/ffmpeg');
    return true;
  } catch {
    console.warn('skipped: the optional package @ffmpeg-installer/ffmpeg is not installed');
    return false;
  }
}

test.skipIf(street.absent || !isInstalled())('without an ffmpeg on PATH, the npm package plays a local file', async () => {
  setEnv('EDGEFLOW_FFMPEG', undefined);
  setEnv('PATH', '');
  const frames = await lastValueFrom(camera({ source: street.path, pace: false, width: 64, fps: 2 }).pipe(toArray()));
  expect(frames).toHaveLength(40);
  expect([frames[0]?.width, frames[0]?.height]).toEqual([64, 48]);
});

test.skipIf(!isInstalled())('the npm package is not given anything from a network', async () => {
  setEnv('EDGEFLOW_FFMPEG', undefined);
  setEnv('PATH', '');
  await expect(lastValueFrom(camera({ source: 'rtsp://127.0.0.1:1/' }))).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
});

test('a binary without the executable bit gets it', async () => {
  const program = join(temporaryFolder(), 'ffmpeg');
  copyFileSync('/bin/true', program);
  chmodSync(program, 0o644);
  expect(await makeExecutable(program)).toBe(program);
  execFileSync(program);
});

test('on a read-only file system, a copy in the cache is used, and used again', async ({ skip }) => {
  const disk = smallDisk('1m');
  if (disk === undefined) return skip('mounting is not permitted');
  const program = join(disk, 'ffmpeg');
  copyFileSync('/bin/true', program);
  chmodSync(program, 0o644);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const cache = join(temporaryFolder(), 'bin');
  const copy = await makeExecutable(program, cache);
  expect(copy.startsWith(cache)).toBe(true);
  execFileSync(copy);
  const { ctimeMs } = statSync(copy);
  expect(await makeExecutable(program, cache)).toBe(copy);
  expect(statSync(copy).ctimeMs).toBe(ctimeMs);
});

test('where the copy fails too, the error says what to do', async ({ skip }) => {
  const disk = smallDisk('1m');
  if (disk === undefined) return skip('mounting is not permitted');
  const program = join(disk, 'ffmpeg');
  writeFileSync(program, '');
  chmodSync(program, 0o644);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  await expect(makeExecutable(program, join(disk, 'cache'))).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
});
