import { createHash } from 'node:crypto';
import { mapAsync } from 'edgeflow';
import { camera, checkFrame, drawScene, scene, sceneTruth } from 'edgeflow/operators';
import type { SceneMoment } from 'edgeflow/operators';
import { firstValueFrom, lastValueFrom, map, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';

const small = { width: 320, height: 180 } as const;

describe('drawScene', () => {
  it('draws the same bytes and the same truth for the same seed', () => {
    const [one, two] = [drawScene({ seed: 5 }), drawScene({ seed: 5 })];
    for (const index of [0, 1, 77]) expect(digest(one(index))).toBe(digest(two(index)));
  });

  it('draws a frame in the same way whichever was drawn before', () => {
    const inOrder = drawScene({ seed: 6, ...small });
    const sequence = Array.from({ length: 12 }, (_, index) => digest(inOrder(index)));
    const atRandom = drawScene({ seed: 6, ...small });
    for (const index of [11, 3, 7, 0, 3]) expect(digest(atRandom(index))).toBe(sequence[index]);
  });

  it('draws another street for another seed', () => {
    const pixels = (seed: number): Uint8Array => drawScene({ seed, ...small })(0).frame.data;
    expect(Buffer.compare(pixels(1), pixels(2))).not.toBe(0);
  });

  it('gives frames that hold what they say, each with its own bytes', () => {
    const draw = drawScene({ seed: 3, width: 321, height: 181, fps: 10 });
    const first = draw(4).frame;
    const copy = first.data.slice();
    expect(() => checkFrame(first)).not.toThrow();
    expect(first).toMatchObject({ width: 321, height: 181, format: 'rgb24', index: 4, time: 400 });
    draw(5);
    expect(Buffer.compare(first.data, copy)).toBe(0);
  });

  it('keeps every box inside the picture, with a part of it to be seen', () => {
    for (const { objects } of moments([1, 2, 3, 4], 20)) {
      for (const { box, visible, ignore } of objects) {
        const [x1, y1, x2, y2] = box;
        expect(x1).toBeGreaterThanOrEqual(0);
        expect(y1).toBeGreaterThanOrEqual(0);
        expect(x2).toBeLessThanOrEqual(640);
        expect(y2).toBeLessThanOrEqual(360);
        expect(x2 - x1 > 0 && y2 - y1 > 0).toBe(true);
        expect(visible).toBeLessThanOrEqual(1);
        if (!ignore) expect(visible).toBeGreaterThanOrEqual(0.4);
      }
    }
  });

  it('shows every class, and now and then something too hidden to count', () => {
    const all = moments([1, 2, 3, 4], 20).flatMap(({ objects }) => objects);
    for (const label of ['person', 'car', 'dog', 'bicycle'])
      expect(all.filter((object) => object.label === label && !object.ignore).length).toBeGreaterThan(10);
    expect(all.some(({ ignore }) => ignore)).toBe(true);
  });

  it('differs from the empty street where the truth says so, and hardly elsewhere', () => {
    let changedInside = 0;
    let changedOutside = 0;
    for (const seed of [11, 12, 13]) {
      const { frame, objects } = drawScene({ seed })(300);
      const empty = drawScene({ seed, traffic: 0 })(300);
      expect(empty.objects).toEqual([]);
      const changed = changes(frame.data, empty.frame.data);
      for (const { box, visible, label } of objects) {
        const inside = count(changed, frame.width, box);
        if (visible > 0.9) expect(inside / ((box[2] - box[0]) * (box[3] - box[1])), `${label} of seed ${seed}`).toBeGreaterThan(0.15);
      }
      const covered = changed.slice();
      for (const { box } of objects) count(covered, frame.width, box, true);
      const outside = covered.reduce((sum, value) => sum + value, 0);
      changedOutside += outside;
      changedInside += changed.reduce((sum, value) => sum + value, 0) - outside;
    }
    // Shadows and leads belong to nobody's box.
    expect(changedOutside / (changedInside + changedOutside)).toBeLessThan(0.1);
  });

  it('follows one thing under one number as it moves on', () => {
    const draw = drawScene({ seed: 8 });
    const seen = new Map<number, { label: string; x: number[] }>();
    for (let index = 0; index < 45; index++) {
      const { objects } = draw(index);
      expect(new Set(objects.map(({ track }) => track)).size).toBe(objects.length);
      for (const { track, label, box, visible } of objects) {
        const path = seen.get(track) ?? { label, x: [] };
        seen.set(track, path);
        expect(label).toBe(path.label);
        if (label === 'car' && visible > 0.95) path.x.push((box[0] + box[2]) / 2);
      }
    }
    const cars = [...seen.values()].filter(({ label, x }) => label === 'car' && x.length > 5);
    expect(cars.length).toBeGreaterThan(0);
    for (const { x } of cars) {
      const way = Math.sign((x.at(-1) ?? 0) - (x[0] ?? 0));
      expect(x.slice(1).every((at, index) => (at - (x[index] ?? 0)) * way > 0)).toBe(true);
    }
  });

  it('lets only those come that are named, and leaves them as they were', () => {
    const everybody = drawScene({ seed: 9, ...small });
    const walkers = drawScene({ seed: 9, ...small, traffic: { walkers: 1 } });
    for (const index of [0, 200, 400]) {
      const tracks = everybody(index).objects.map(({ track }) => track);
      const { objects } = walkers(index);
      expect(objects.length).toBeGreaterThan(0);
      for (const { label, track } of objects) expect([label, tracks.includes(track)]).toEqual(['person', true]);
    }
  });

  it.each([-1, 0.5, NaN])('has no frame %d', (index) => {
    expect(() => drawScene(small)(index)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });

  it.each([
    { seed: 0.5 },
    { width: 0 },
    { height: 5000 },
    { fps: 0 },
    { traffic: NaN },
    { traffic: { walkers: -1 } },
    { traffic: { lions: 1 } as object },
  ])('refuses %o', (options) => {
    for (const make of [drawScene, sceneTruth, scene])
      expect(() => make(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

const tiny = { seed: 4, width: 160, height: 90 } as const;

describe('scene', () => {
  it('emits the frames of the scene in order, then completes', async () => {
    const frames = await lastValueFrom(scene({ ...tiny, pace: false, frames: 5 }).pipe(toArray()));
    const draw = drawScene(tiny);
    expect(frames.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    for (const frame of frames) expect(Buffer.compare(frame.data, draw(frame.index).frame.data)).toBe(0);
  });

  it('draws the next frame only when the last one is settled', async () => {
    let open = 0;
    const work = mapAsync<unknown, number>(async () => {
      const together = ++open;
      await new Promise(setImmediate);
      open--;
      return together;
    });
    const together = await lastValueFrom(scene({ ...tiny, pace: false, frames: 20 }).pipe(work, toArray()));
    expect(together).toEqual(Array.from({ length: 20 }, () => 1));
  });

  it('is never faster than its frame rate, and stamps the time', async () => {
    const before = Date.now();
    const frames = await lastValueFrom(scene({ ...tiny, fps: 100 }).pipe(take(11), toArray()));
    expect(Date.now() - before).toBeGreaterThanOrEqual(95);
    expect(frames.every(({ time }, index) => time >= (frames[index - 1]?.time ?? before))).toBe(true);
  });

  it('ends while it waits for the next frame', async () => {
    // With a frame every 17 minutes, a wait that is not ended would keep the test file from ending.
    expect((await firstValueFrom(scene({ ...tiny, fps: 0.001 }))).index).toBe(0);
  });

  it('goes with its truth, in the form of a detector', async () => {
    const truths = await lastValueFrom(scene({ ...tiny, pace: false, frames: 3 }).pipe(map(sceneTruth(tiny)), toArray()));
    const draw = drawScene(tiny);
    for (const [index, truth] of truths.entries()) {
      expect(truth).toMatchObject({ index, width: 160, height: 90, source: 'street-4' });
      expect(truth.objects).toEqual(draw(index).objects);
    }
  });
});

/** All of a moment in one string: to compare the bytes of a frame one by one takes seconds. */
function digest({ frame, objects }: SceneMoment): string {
  const { data, ...rest } = frame;
  return createHash('sha256').update(data).update(JSON.stringify({ rest, objects })).digest('hex');
}

function moments(seeds: readonly number[], each: number) {
  return seeds.flatMap((seed) => {
    const draw = drawScene({ seed });
    return Array.from({ length: each }, (_, index) => draw(index * 37));
  });
}

/** 1 for each pixel that differs clearly between two pictures. */
function changes(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: a.length / 3 }, (_, pixel) => {
    const difference = [0, 1, 2].map((channel) => Math.abs((a[pixel * 3 + channel] ?? 0) - (b[pixel * 3 + channel] ?? 0)));
    return Number(Math.max(...difference) > 24);
  });
}

function count(marks: Uint8Array, width: number, [x1, y1, x2, y2]: readonly [number, number, number, number], erase = false): number {
  let sum = 0;
  for (let y = Math.floor(y1); y < Math.ceil(y2); y++) {
    for (let x = Math.floor(x1); x < Math.ceil(x2); x++) {
      sum += marks[y * width + x] ?? 0;
      if (erase) marks[y * width + x] = 0;
    }
  }
  return sum;
}

describe('a camera on a street', () => {
  it('gives the frames of the scene, under its own name', async () => {
    const frames = await lastValueFrom(
      camera({ source: 'street:5?frames=3&fps=30&traffic=2', ...small, pace: false, name: 'yard' }).pipe(toArray()),
    );
    const draw = drawScene({ seed: 5, fps: 30, traffic: 2, ...small });
    expect(frames.map(({ index, source }) => [index, source])).toEqual([0, 1, 2].map((index) => [index, 'yard']));
    for (const { index, data } of frames) expect(Buffer.compare(data, draw(index).frame.data)).toBe(0);
    const [unnamed] = await lastValueFrom(camera({ source: 'street:5?frames=1', ...small, pace: false }).pipe(toArray()));
    expect(unnamed?.source).toBe(draw(0).frame.source);
  });

  it.each([
    ['street:x', /seed is NaN/],
    ['street:1?seed=3', /'seed'; expected fps, frames, traffic/],
    ['street:1?frames=many', /frames is NaN/],
  ])('%s is refused', (source, told) => {
    expect(() => camera({ source })).toThrow(told);
  });
});
