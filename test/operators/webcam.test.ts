import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { mapAsync } from 'edgeflow';
import { checkFrame, webcam } from 'edgeflow/operators';
import type { WebcamOptions } from 'edgeflow/operators';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { jpegSize } from '#operators/webcam/jpegSize.js';
import { lacks, setEnv, shared, until } from './systemSupport.js';

const still = shared('media/dog.jpg');
const folders = (): number => readdirSync(tmpdir()).filter((name) => name.startsWith('edgeflow-webcam-')).length;

describe.skipIf(lacks('fswebcam'))('by fswebcam', () => {
  test('takes one picture after the other and leaves no file', async () => {
    const before = folders();
    const frames = await lastValueFrom(
      webcam({ device: 'TEST:colourbars', width: 320, height: 240, intervalMs: 0 }).pipe(take(3), toArray()),
    );
    for (const frame of frames) {
      checkFrame(frame);
      expect(frame).toMatchObject({ width: 320, height: 240, format: 'jpeg', source: 'TEST:colourbars' });
      expect(jpegSize(frame.data)).toEqual({ width: 320, height: 240 });
    }
    expect(frames.map(({ index }) => index)).toEqual([0, 1, 2]);
    await until('the temporary folder to go', () => folders() <= before);
  });

  test('takes the next picture when the last one is settled, and is off when it is unsubscribed', async () => {
    const before = folders();
    const given: number[] = [];
    let done = (): void => undefined;
    const works = [new Promise<void>((resolve) => (done = resolve)), new Promise<void>(() => undefined)];
    const taking = webcam({ device: 'TEST:colourbars', width: 320, height: 240, intervalMs: 0 })
      .pipe(
        tap(({ time }) => given.push(time)),
        mapAsync(({ index }) => works[index]),
      )
      .subscribe();
    await until('the first', () => given.length === 1);
    const settledAt = Date.now();
    done();
    await until('the second', () => given.length === 2);
    taking.unsubscribe();
    expect(given[1]).toBeGreaterThanOrEqual(settledAt);
    await until('the temporary folder to go', () => folders() <= before);
  });

  test.skipIf(still.absent || !/^[\w./-]+$/.test(still.path))('takes a still file for a camera', async () => {
    const [frame] = await lastValueFrom(
      webcam({ device: `FILE:${still.path}`, width: 640, height: 480, intervalMs: 0 }).pipe(take(1), toArray()),
    );
    expect(frame).toMatchObject({ format: 'jpeg', index: 0 });
  });

  test.skipIf(existsSync('/dev/video99'))('no camera', async () => {
    await expect(lastValueFrom(webcam({ device: '/dev/video99' }))).rejects.toMatchObject({ code: 'WEBCAM_FAILED' });
  });
});

test('no fswebcam', async () => {
  setEnv('PATH', '');
  const failure: unknown = await lastValueFrom(webcam({ device: 'TEST:colourbars' })).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'WEBCAM_FAILED' });
  expect(String(failure)).toContain('apt install fswebcam');
});

test.each([
  '/dev/video0; touch /tmp/x',
  '/dev/video$(id)',
  '/dev/video',
  '/dev/video0\n',
  '/dev/sda',
  'TEST:a b',
  'TEST:`id`',
  'TEST:',
  'FILE:/tmp/../etc/passwd',
  'FILE:relative.jpg',
  "FILE:/tmp/a'b.jpg",
  'FILE:/tmp/a|b',
  'RAW:/dev/zero',
  '',
  7,
])('device %j', (device) => {
  expect(() => webcam({ device } as WebcamOptions)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});

test.each([
  { width: '640; id' },
  { height: 1.5 },
  { width: 1e9 },
  { quality: 100 },
  { intervalMs: -1 },
  { timeoutMs: NaN },
  { width: null },
])('options %o', (options) => {
  expect(() => webcam({ device: 'TEST:x', ...options } as WebcamOptions)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});

test.skipIf(still.absent)('size of a JPEG file', () => {
  expect(jpegSize(readFileSync(still.path))).toEqual({ width: 768, height: 576 });
  expect(jpegSize(new Uint8Array(10))).toBeUndefined();
  expect(jpegSize(readFileSync(still.path).subarray(0, 100))).toBeUndefined();
});
