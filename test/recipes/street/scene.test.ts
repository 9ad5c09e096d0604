import { createHash } from 'node:crypto';
import { checkFrame } from 'edgeflow/operators';
import { describe, expect, it } from 'vitest';
import { StreetScene, type StreetMoment } from '#recipes/street/scene.js';
import { streetLabels } from '#recipes/street/casts.js';

const small = { width: 320, height: 180 } as const;

describe('StreetScene', () => {
  it('draws the same bytes and the same truth for the same seed', () => {
    const [one, two] = [new StreetScene({ seed: 5 }), new StreetScene({ seed: 5 })];
    for (const index of [0, 1, 77]) expect(digest(one.frameAt(index))).toBe(digest(two.frameAt(index)));
  });

  it('draws a frame in the same way whichever was drawn before', () => {
    const inOrder = new StreetScene({ seed: 6, ...small });
    const sequence = Array.from({ length: 12 }, (_, index) => digest(inOrder.frameAt(index)));
    const atRandom = new StreetScene({ seed: 6, ...small });
    for (const index of [11, 3, 7, 0, 3]) expect(digest(atRandom.frameAt(index))).toBe(sequence[index]);
  });

  it('draws another street for another seed', () => {
    const pixels = (seed: number): Uint8Array => new StreetScene({ seed, ...small }).frameAt(0).frame.data;
    expect(Buffer.compare(pixels(1), pixels(2))).not.toBe(0);
  });

  it('gives frames that hold what they say, each with its own bytes', () => {
    const scene = new StreetScene({ seed: 3, width: 321, height: 181, fps: 10 });
    const first = scene.frameAt(4).frame;
    const copy = first.data.slice();
    expect(() => checkFrame(first)).not.toThrow();
    expect(first).toMatchObject({ width: 321, height: 181, format: 'rgb24', index: 4, time: 400 });
    scene.frameAt(5);
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
    for (const label of streetLabels) expect(all.filter((object) => object.label === label && !object.ignore).length).toBeGreaterThan(10);
    expect(all.some(({ ignore }) => ignore)).toBe(true);
  });

  it('differs from the empty street where the truth says so, and hardly elsewhere', () => {
    let changedInside = 0;
    let changedOutside = 0;
    for (const seed of [11, 12, 13]) {
      const { frame, objects } = new StreetScene({ seed }).frameAt(300);
      const empty = new StreetScene({ seed, traffic: 0 }).frameAt(300);
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
    const scene = new StreetScene({ seed: 8 });
    const seen = new Map<number, { label: string; x: number[] }>();
    for (let index = 0; index < 45; index++) {
      const { objects } = scene.frameAt(index);
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

  it.each([{ seed: 0.5 }, { seed: 1, width: 0 }, { seed: 1, height: 5000 }, { seed: 1, fps: 0 }, { seed: 1, traffic: NaN }])(
    'refuses %o',
    (options) => {
      expect(() => new StreetScene(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    },
  );
});

/** All of a moment in one string: to compare the bytes of a frame one by one takes seconds. */
function digest({ frame, objects }: StreetMoment): string {
  const { data, ...rest } = frame;
  return createHash('sha256').update(data).update(JSON.stringify({ rest, objects })).digest('hex');
}

function moments(seeds: readonly number[], each: number) {
  return seeds.flatMap((seed) => {
    const scene = new StreetScene({ seed });
    return Array.from({ length: each }, (_, index) => scene.frameAt(index * 37));
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
