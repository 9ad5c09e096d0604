import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { mapAsync } from 'edgeflow';
import { camera, checkFrame } from 'edgeflow/operators';
import type { CameraEvent, CameraOptions, Frame } from 'edgeflow/operators';
import { lastValueFrom, map, take, tap, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { childrenOf, lacks, setEnv, shared, temporaryFolder, until } from './systemSupport.js';

const street = shared('media/vtest_20s.mp4');
const noFfmpeg = lacks('ffmpeg');

const all = (options: CameraOptions): Promise<Frame[]> => lastValueFrom(camera(options).pipe(toArray()));
const first = (options: CameraOptions, count: number): Promise<Frame[]> => lastValueFrom(camera(options).pipe(take(count), toArray()));
const failure = (options: CameraOptions): Promise<{ code: string; message: string }> =>
  all(options).then(
    () => {
      throw new Error('the camera did not fail');
    },
    (error: unknown) => error as { code: string; message: string },
  );

function movie(seconds: number, name = 'movie.mkv'): string {
  const path = join(temporaryFolder(), name);
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=10:duration=${seconds}`, '-c:v', 'mpeg4', path]);
  return path;
}

describe.skipIf(noFfmpeg)('pictures', () => {
  test.skipIf(street.absent)('a file gives each of its pictures once', async () => {
    const indexes: number[] = [];
    const buffers = new Set<Uint8Array>();
    await lastValueFrom(
      camera({ source: street.path, pace: false }).pipe(
        tap((frame) => {
          checkFrame(frame);
          expect([frame.width, frame.height, frame.format, frame.source]).toEqual([768, 576, 'rgb24', 'vtest_20s.mp4']);
          indexes.push(frame.index);
          if (frame.index < 5) buffers.add(frame.data);
        }),
      ),
    );
    expect(indexes).toEqual(Array.from({ length: 200 }, (_, index) => index));
    expect(buffers.size).toBe(5);
  });

  test('bytes are red, green, blue, row by row', async () => {
    const [frame] = await first(
      { source: 'lavfi:color=c=0xff0000:s=64x48,format=rgb24,drawbox=x=0:y=0:w=1:h=1:c=0x0000ff:t=fill', pace: false },
      1,
    );
    expect([...(frame?.data.subarray(0, 6) ?? [])]).toEqual([0, 0, 255, 255, 0, 0]);
  });

  test.each([
    { pace: true, lower: 0 },
    { pace: false, lower: 10 },
  ])('what has no speed of its own lets others go before it: pace $pace', async ({ pace, lower }) => {
    const before = childrenOf(process.pid, 'ffmpeg');
    const priorities = await lastValueFrom(
      camera({ source: 'lavfi:testsrc2=size=34x26:rate=50', pace }).pipe(
        take(1),
        map(() => childrenOf(process.pid, 'ffmpeg').filter((child) => !before.includes(child))),
        map((children) => children.map((child) => getPriority(child))),
      ),
    );
    expect(priorities).toEqual([getPriority() + lower]);
  });

  test('frames that are kept are not written again', async () => {
    const generated = { source: 'lavfi:testsrc2=size=32x24:rate=50', pace: false };
    const copies: Uint8Array[] = [];
    const kept = await lastValueFrom(
      camera(generated).pipe(
        take(60),
        tap(({ data }) => copies.push(Uint8Array.from(data))),
        toArray(),
      ),
    );
    expect(kept.map(({ data }) => Buffer.compare(data, copies.shift() ?? data))).toEqual(kept.map(() => 0));
  });

  test.each([
    [{ width: 320 }, 320, 240],
    [{ height: 100 }, 134, 100],
    [{ width: 100, height: 50 }, 100, 50],
  ])('sizes: %o', async (size, width, height) => {
    const [frame] = await first({ source: 'lavfi:testsrc2=size=640x480', pace: false, ...size }, 1);
    expect([frame?.width, frame?.height]).toEqual([width, height]);
  });

  test('fps leaves pictures out', async () => {
    expect(await all({ source: movie(2), pace: false, fps: 5 })).toHaveLength(10);
  });

  test('a paced file does not play faster than it was filmed', async () => {
    const start = performance.now();
    expect(await all({ source: movie(2) })).toHaveLength(20);
    expect(performance.now() - start).toBeGreaterThan(1_000);
  });

  test('a looped file goes on counting', async () => {
    const frames = await first({ source: movie(1), pace: false, loop: true, width: 64 }, 25);
    expect(frames.map(({ index }) => index)).toEqual(Array.from({ length: 25 }, (_, index) => index));
    expect(frames[10]?.data).toEqual(frames[0]?.data);
  });
});

describe.skipIf(noFfmpeg)('demand', () => {
  test('without pace, ffmpeg is held back by what is not taken', async () => {
    const before = childrenOf(process.pid, 'ffmpeg');
    const taken: number[] = [];
    let release: (() => void) | undefined;
    const subscription = camera({ source: 'lavfi:testsrc2=size=640x480:rate=30', pace: false })
      .pipe(
        mapAsync(async ({ index }) => {
          taken.push(index);
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }),
      )
      .subscribe();
    onTestFinished(() => {
      subscription.unsubscribe();
    });
    await until('the first frame', () => taken.length === 1);
    const [pid] = childrenOf(process.pid, 'ffmpeg').filter((child) => !before.includes(child));
    const written = (): number => Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
    const pictureBytes = 640 * 480 * 3;
    await until('the picture that is read ahead', () => written() >= 2 * pictureBytes);
    for (let bytes = -1, same = 0; same < 10; same = bytes === written() ? same + 1 : 0) {
      bytes = written();
      await new Promise((next) => setTimeout(next, 20));
    }
    // One open, one read ahead, one stuck in the pipe.
    expect(written()).toBeLessThanOrEqual(3 * pictureBytes);
    for (let count = 2; count <= 5; count++) {
      release?.();
      await until('the next frame', () => taken.length === count);
    }
    expect(taken).toEqual([0, 1, 2, 3, 4]);
  });

  test('unsubscribed, it leaves no ffmpeg', async () => {
    const before = childrenOf(process.pid, 'ffmpeg');
    const fresh = (): number[] => childrenOf(process.pid, 'ffmpeg').filter((child) => !before.includes(child));
    let frames = 0;
    const subscription = camera({ source: 'lavfi:testsrc2=size=640x480:rate=30' }).subscribe(() => frames++);
    await until('a frame', () => frames > 0);
    expect(fresh()).toHaveLength(1);
    subscription.unsubscribe();
    await until('the end of ffmpeg', () => fresh().length === 0);
  });

  test('unsubscribed at once, it starts none', async () => {
    const before = childrenOf(process.pid, 'ffmpeg');
    camera({ source: 'lavfi:testsrc2' }).subscribe().unsubscribe();
    await until('no ffmpeg', () => childrenOf(process.pid, 'ffmpeg').length <= before.length);
  });
});

describe('failures', () => {
  test('no file', async () => {
    const { code, message } = await failure({ source: 'no/such/video.mp4' });
    expect(code).toBe('SOURCE_MISSING');
    expect(message).toContain(join(process.cwd(), 'no/such/video.mp4'));
  });

  test('no device', async () => {
    expect((await failure({ source: '/dev/video99' })).code).toBe('SOURCE_MISSING');
  });

  test('a folder', async () => {
    expect((await failure({ source: temporaryFolder() })).code).toBe('SOURCE_MISSING');
  });

  test.each([
    [{ source: '' }],
    [{ source: 'gopher://host/x' }],
    [{ source: 'a.mp4', width: 0 }],
    [{ source: 'a.mp4', width: 10.5 }],
    [{ source: 'a.mp4', fps: NaN }],
    [{ source: 'lavfi:testsrc2', loop: true }],
  ])('options %o', (options) => {
    expect(() => camera(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });

  test('no ffmpeg where EDGEFLOW_FFMPEG says', async () => {
    setEnv('EDGEFLOW_FFMPEG', '/nonexistent');
    const { code, message } = await failure({ source: 'lavfi:testsrc2' });
    expect(code).toBe('FFMPEG_MISSING');
    expect(message).toContain('/nonexistent');
    expect(message).toContain('apt install ffmpeg');
  });

  test('a program that is not ffmpeg', async () => {
    setEnv('EDGEFLOW_FFMPEG', '/bin/true');
    expect((await failure({ source: 'lavfi:testsrc2' })).code).toBe('FFMPEG_MISSING');
  });

  test.skipIf(noFfmpeg)('a file that is not a video', async () => {
    const path = join(temporaryFolder(), 'text.mp4');
    writeFileSync(path, 'this is not a video\n'.repeat(1000));
    const { code, message } = await failure({ source: path, pace: false });
    expect(code).toBe('SOURCE_FAILED');
    expect(message).toContain('Invalid data');
  });

  test.skipIf(noFfmpeg)('a file without video', async () => {
    const path = join(temporaryFolder(), 'sound.wav');
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=1', path]);
    expect((await failure({ source: path, pace: false })).code).toBe('SOURCE_FAILED');
  });

  test.skipIf(noFfmpeg)('a film that is cut in the middle gives what is there, and says so', async () => {
    const path = movie(4, 'cut.mkv');
    truncateSync(path, Math.floor(readFileSync(path).length / 2) + 1);
    const events: CameraEvent[] = [];
    const frames = await all({ source: path, pace: false, onEvent: (event) => events.push(event) });
    expect(frames.length).toBeGreaterThan(5);
    expect(frames.length).toBeLessThan(39);
    for (const frame of frames) checkFrame(frame);
    expect(events.at(-1)).toMatchObject({ type: 'damaged', reason: expect.stringContaining('ended prematurely') as string });
  });

  test.skipIf(noFfmpeg)('an mp4 whose index is cut off cannot be read', async () => {
    const path = movie(2, 'cut.mp4');
    truncateSync(path, Math.floor(readFileSync(path).length / 2));
    const { code, message } = await failure({ source: path, pace: false });
    expect(code).toBe('SOURCE_FAILED');
    expect(message).toContain('moov atom not found');
  });
});
