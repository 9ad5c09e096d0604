import { join } from 'node:path';
import { mapAsync } from 'edgeflow';
import { camera, cameras } from 'edgeflow/operators';
import type { CameraEvent, Frame } from 'edgeflow/operators';
import { lastValueFrom } from 'rxjs';
import type { Observable } from 'rxjs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { mjpegServer, plainJpeg, stream } from './mjpegServer.js';
import { lacks, until } from './systemSupport.js';

const noFfmpeg = lacks('ffmpeg');
const reconnect = { initialDelayMs: 20, maxDelayMs: 100 };
const [red, blue] = await Promise.all([plainJpeg(64, 48, '#f00'), plainJpeg(96, 128, '#00f')]);

/** Keeps the frames of a stream until the test has finished. */
function collect(frames: Observable<Frame>): Frame[] {
  const seen: Frame[] = [];
  const subscription = frames.subscribe((frame) => seen.push(frame));
  onTestFinished(() => {
    subscription.unsubscribe();
  });
  return seen;
}

const rising = (values: readonly number[]): boolean => values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0));
const colours = ({ data }: Frame): Set<string> =>
  new Set(
    Array.from({ length: data.length / 3 }, (_, pixel) =>
      (data[pixel * 3] ?? 0) > 128 ? 'red' : (data[pixel * 3 + 2] ?? 0) > 128 ? 'blue' : 'torn',
    ),
  );

describe.skipIf(noFfmpeg)('a camera that serves Motion JPEG over HTTP', () => {
  test('changes its size in the middle: each frame is whole and of the size it was taken in', async () => {
    let shown = red;
    const source = await mjpegServer((_viewer, send, response) => {
      stream(response, 60, send, () => shown);
    });
    const events: CameraEvent[] = [];
    const seen = collect(camera({ source, reconnect, onEvent: (event) => events.push(event) }));
    const count = (width: number): number => seen.filter((frame) => frame.width === width).length;
    await until('small pictures', () => count(64) > 10);
    shown = blue;
    await until('large pictures', () => count(96) > 10);
    const before = count(64);
    shown = red;
    await until('small pictures again', () => count(64) > before + 10);

    for (const frame of seen)
      expect([frame.width, frame.height, ...colours(frame)]).toEqual(frame.width === 64 ? [64, 48, 'red'] : [96, 128, 'blue']);
    expect(rising(seen.map(({ index }) => index))).toBe(true);
    const opened = events.flatMap((event) => (event.type === 'open' ? [`${event.width}x${event.height}`] : []));
    expect(opened).toEqual(['64x48', '96x128', '64x48']);
    expect(events.some(({ type }) => type === 'reconnect')).toBe(false);
  });

  test('keeps the size that was asked for when the camera changes its own', async () => {
    let shown = red;
    const source = await mjpegServer((_viewer, send, response) => {
      stream(response, 60, send, () => shown);
    });
    const seen = collect(camera({ source, width: 32, height: 32, reconnect }));
    await until('red pictures', () => seen.length > 5);
    shown = blue;
    await until('blue pictures', () => seen.some((frame) => colours(frame).has('blue')));
    for (const { width, height } of seen) expect([width, height]).toEqual([32, 32]);
  });

  test('freezes: it is left, told of, connected to again, and time does not go back with the wall clock', async () => {
    let frozen = false;
    const source = await mjpegServer((_viewer, send, response) => {
      stream(response, 60, send, () => (frozen ? undefined : red));
    });
    const events: CameraEvent[] = [];
    const seen = collect(camera({ source, stallTimeoutMs: 1_500, reconnect, onEvent: (event) => events.push(event) }));
    await until('pictures', () => seen.length > 5);
    const calm = events.length;
    frozen = true;
    await until('the stall', () => events.slice(calm).some(({ type }) => type === 'stalled'));
    frozen = false;
    const before = seen.length;
    const wallClock = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => wallClock() - 3_600_000);
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    // Time goes on, and does not stand still until the wall clock is back.
    await until(
      'pictures of the next connection',
      () => seen.length > before + 1 && (seen.at(-1)?.time ?? 0) - (seen[before]?.time ?? 0) > 50,
    );
    const told = events.slice(calm).flatMap((event) => (event.type === 'stalled' || event.type === 'reconnect' ? [event] : []));
    expect(told.slice(0, 2)).toMatchObject([
      { type: 'stalled', silentMs: 1_500 },
      { type: 'reconnect', attempt: 1 },
    ]);
    expect(rising(seen.map(({ index }) => index))).toBe(true);
    expect(seen.every(({ time }, at) => time >= (seen[at - 1]?.time ?? 0))).toBe(true);
  });
});

test.skipIf(noFfmpeg)('pictures larger than maxPixels are refused', async () => {
  const huge = camera({ source: 'lavfi:testsrc=size=400x300', pace: false, maxPixels: 100_000 });
  await expect(lastValueFrom(huge)).rejects.toMatchObject({ code: 'SOURCE_FAILED', message: expect.stringContaining('400x300') as string });
});

describe.skipIf(noFfmpeg)('cameras', () => {
  const missing = join(import.meta.dirname, 'no-such-video.mp4');

  test('gives the frames of each under its name, and goes on where one fails', async () => {
    const events: [string, CameraEvent][] = [];
    const stream = cameras(
      { door: 'lavfi:testsrc=size=64x48:rate=30', yard: { source: 'lavfi:testsrc2', width: 32, height: 32 }, gone: missing },
      { pace: false, onEvent: (event, name) => events.push([name, event]) },
    );
    const frames = collect(stream);
    const indexesOf = (name: string): number[] => frames.filter(({ source }) => source === name).map(({ index }) => index);
    for (const name of ['door', 'yard']) {
      await until(`frames of ${name}`, () => indexesOf(name).length > 10);
      const indexes = indexesOf(name);
      expect(indexes).toEqual(indexes.map((_, at) => at));
    }
    expect(frames.every(({ source, width }) => width === (source === 'door' ? 64 : 32))).toBe(true);
    expect(events).toContainEqual(['gone', { type: 'failed', error: expect.objectContaining({ code: 'SOURCE_MISSING' }) as unknown }]);
  });

  test('fails with the error of the one that failed when the others are done', async () => {
    const frames: Frame[] = [];
    const stream = cameras(
      { gone: missing, door: 'lavfi:testsrc=size=64x48:rate=30:duration=1' },
      { pace: false, onEvent: () => undefined },
    );
    await expect(
      new Promise((done, failed) =>
        stream.subscribe({ next: (frame) => frames.push(frame), error: failed, complete: () => done(undefined) }),
      ),
    ).rejects.toMatchObject({ code: 'SOURCE_MISSING' });
    expect(frames).toHaveLength(30);
  });

  test('a slow consumer of one camera holds up no other, and a failed delivery is the failure of the stream', async () => {
    const done: string[] = [];
    const stream = cameras({ a: 'lavfi:testsrc=size=64x48', b: 'lavfi:testsrc2=size=64x48' }, { pace: false });
    const work = mapAsync(
      async ({ source, index }: Frame) => {
        if (source === 'a') await new Promise(() => undefined);
        if (index === 20) throw new Error('no more');
        done.push(source);
      },
      { concurrency: 2, ordered: false },
    );
    await expect(lastValueFrom(stream.pipe(work))).rejects.toThrow('no more');
    expect(done).toEqual(Array.from({ length: 20 }, () => 'b'));
  });

  test('refuses options when it is made', () => {
    expect(() => cameras({})).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    expect(() => cameras({ a: { source: 'a.mp4', fps: -1 } })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});
