import { mapAsync } from 'edgeflow';
import { lastValueFrom, map, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { streetCamera, streetFrames } from '#recipes/street/camera.js';
import { StreetScene } from '#recipes/street/scene.js';

const options = { seed: 4, width: 160, height: 90 } as const;

describe('streetCamera', () => {
  it('emits the frames of the scene in order, then completes', async () => {
    const frames = await lastValueFrom(streetCamera({ ...options, pace: false, frames: 5 }).pipe(toArray()));
    const scene = new StreetScene(options);
    expect(frames.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    for (const frame of frames) expect(Buffer.compare(frame.data, scene.frameAt(frame.index).frame.data)).toBe(0);
  });

  it('draws the next frame only when the last one is settled', async () => {
    let open = 0;
    const work = mapAsync<number, number>(async () => {
      const together = ++open;
      await new Promise(setImmediate);
      open--;
      return together;
    });
    const together = await lastValueFrom(
      streetCamera({ ...options, pace: false, frames: 20 }).pipe(
        map(({ index }) => index),
        work,
        toArray(),
      ),
    );
    expect(together).toEqual(Array.from({ length: 20 }, () => 1));
  });

  it('is never faster than its frame rate, and stamps the time', async () => {
    const before = Date.now();
    const frames = await lastValueFrom(streetCamera({ ...options, fps: 100 }).pipe(take(11), toArray()));
    expect(Date.now() - before).toBeGreaterThanOrEqual(95);
    expect(frames.every(({ time }, index) => time >= (frames[index - 1]?.time ?? before))).toBe(true);
  });

  it('ends at once when its signal aborts, while it waits for the next frame', async () => {
    const abort = new AbortController();
    const frames = streetFrames({ ...options, fps: 0.001, signal: abort.signal });
    expect((await frames.next()).value?.index).toBe(0);
    const next = frames.next();
    abort.abort();
    expect(await next).toEqual({ value: undefined, done: true });
  });

  it('reports unusable options through the Observable', async () => {
    await expect(lastValueFrom(streetCamera({ seed: 1, fps: -1 }))).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
  });
});
