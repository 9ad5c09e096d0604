import { countLine, smooth, speed, zones } from 'edgeflow/operators';
import type { Box, CountLineOptions, Point, SpeedOptions, Tracks, ZonesOptions } from 'edgeflow/operators';
import { runMarbles } from 'edgeflow/testing';
import fc from 'fast-check';
import { map } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { estimateHomography, multiply, project } from '#operators/meaning/homography.js';
import type { Homography } from '#operators/meaning/homography.js';
import { isInside } from '#operators/meaning/polygon.js';
import { segmentsTouch, sideOf } from '#operators/meaning/segment.js';
import { framesOf, settle, through, trackAt, walk } from './support.js';

const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(message) as string });
const square: Point[] = [
  [0.2, 0.2],
  [0.8, 0.2],
  [0.8, 0.8],
  [0.2, 0.8],
];
/** 10 by 10 metres, seen straight from above. */
const flat = square.map((image) => ({ image, ground: [image[0] * 10, image[1] * 10] as const }));

describe('all', () => {
  const operators: [string, OperatorFunction<Tracks, Tracks>][] = [
    ['zones', zones({ zones: { square } })],
    [
      'countLine',
      countLine({
        line: [
          [0.4, 0.5],
          [0.6, 0.5],
        ],
      }),
    ],
    ['smooth', smooth({ appearMs: 0, appearFrames: 1 })],
    ['speed', speed({ points: flat })],
  ];

  test.each(operators)('%s answers in the same instant, each source apart', (_, operator) =>
    runMarbles(({ cold, expectObservable }) => {
      const [a, b] = walk([
        [50, 40],
        [50, 60],
      ]);
      if (!a || !b) throw new Error('two frames');
      const values = { a, b, c: { ...a, source: 'other' } };
      const seen = map(({ objects, source, index }: Tracks) => `${source} ${index} ${objects.length}`);
      expectObservable(cold('a-b-c-|', values).pipe(operator, seen)).toBe('x-y-z-|', { x: 'test 0 1', y: 'test 1 1', z: 'other 0 1' });
    }),
  );

  test.each(operators)('%s settles each delivery; what is no track fails alone', async (name, operator) => {
    const [good, later] = walk([
      [50, 40],
      [50, 60],
    ]);
    if (!good || !later) throw new Error('two frames');
    const untracked = JSON.parse(
      JSON.stringify({ ...good, objects: [{ label: 'car', classId: 2, score: 1, box: [0, 0, 1, 1] }] }),
    ) as Tracks;
    const twice = { ...good, objects: [trackAt(1, 5, 15), trackAt(1, 5, 15)] };
    const boxless = { ...good, objects: [trackAt(1, NaN, 15)] };
    const { settled, out } = await settle([good, untracked, twice, boxless, { ...good, width: 0 }, later], operator);
    expect(out.map(({ index }) => index)).toEqual([0, 1]);
    expect(settled.map(({ failed }) => failed !== undefined)).toEqual([false, true, true, true, true, false]);
    expect(settled[1]?.failed?.error).toMatchObject({
      code: 'DETECTIONS_INVALID',
      message: `${name}: frame 0 of 'test': a car has the id undefined; put trackObjects() before ${name}`,
    });
  });

  test.each(operators)('%s: what is no detections, or holds no objects, fails by name', async (name, operator) => {
    const [good] = walk([[50, 40]]);
    if (!good) throw new Error('a frame');
    const wrong = [null, undefined, 5, { ...good, objects: null }, { ...good, objects: [null] }] as unknown as Tracks[];
    const { settled, out } = await settle([...wrong, good], operator);
    expect(out.map(({ index }) => index)).toEqual([0]);
    const told = (message: string): unknown => expect.objectContaining({ code: 'DETECTIONS_INVALID', message: `${name}: ${message}` });
    expect(settled.map(({ failed }) => failed?.error)).toEqual([
      told('a value is null; expected detections'),
      told('a value is undefined; expected detections'),
      told('a value is 5; expected detections'),
      told("frame 0 of 'test': objects is no list"),
      told("frame 0 of 'test': object 0 is null; expected one with a box"),
      undefined,
    ]);
  });

  test.each(operators)('%s: a camera that changes its resolution changes nothing of what is told', async (_, operator) => {
    const way = [10, 20, 30, 40, 45, 60, 65, 70, 80, 90, 95].map((y) => [50, y] as const);
    const told = async (factor: (at: number) => number): Promise<unknown[]> => {
      const frames = walk(way).map((each, at) => {
        const by = factor(at);
        const objects = each.objects.map((object) => ({ ...object, box: object.box.map((side) => side * by) as unknown as Box }));
        // Left out every now and then, so that what is held is told of too.
        return { ...each, objects: at % 4 === 3 ? [] : objects, width: 100 * by, height: 100 * by };
      });
      return (await through(frames, operator)).map(({ objects, width, ...rest }) => ({
        ...rest,
        objects: objects.map(({ box, ...object }) => ({ ...object, box: box.map((side) => (100 * side) / width) })),
        width: 100,
        height: 100,
      }));
    };
    const asEver = await told(() => 1);
    expect(await told((at) => (at < 5 ? 1 : at < 7 ? 4 : 0.5))).toEqual(asEver);
    expect(await told((at) => (at < 5 ? 4 : 1))).toEqual(asEver);
  });

  test('work one behind the other, and keep what the others told', async () => {
    const frames = walk([
      [50, 10],
      [50, 30],
      [50, 50],
      [50, 70],
      [50, 90],
    ]);
    const { pipe } = await import('rxjs');
    const all = pipe(
      zones<Tracks>({ zones: { square } }),
      countLine({
        line: [
          [0, 0.6],
          [1, 0.6],
        ],
      }),
      speed({ points: flat, windowMs: 200 }),
    );
    const last = (await through(frames, all)).at(-1);
    expect(last?.totals.in).toBe(1);
    expect(last?.zoneEvents).toEqual([]);
    expect(last?.objects[0]?.zones).toEqual(['square']);
    expect(last?.objects[0]?.speed).toBeCloseTo(20, 6);
  });
});

describe('zones', () => {
  const events = async (frames: readonly Tracks[], options: Partial<ZonesOptions> = {}): Promise<string[]> =>
    (await through(frames, zones({ zones: { square }, ...options }))).flatMap(({ zoneEvents }) =>
      zoneEvents.map(({ type, zone, id, time, stayedMs }) => `${type} ${zone} ${id} at ${time} after ${stayedMs}`),
    );
  const [inside, outside] = [
    [50, 50],
    [50, 95],
  ] as const;

  test('enters and leaves after minFrames on the new side, at the time of the first of them', async () => {
    const places = [outside, inside, inside, outside, inside, outside, outside, outside];
    expect(await events(walk(places))).toEqual(['enter square 1 at 100 after 0', 'leave square 1 at 500 after 400']);
    expect(await events(walk(places), { minFrames: 3 })).toEqual([]);
  });

  test('tells membership of each object', async () => {
    const out = await through(
      walk([inside, inside, inside]),
      zones({
        zones: {
          square,
          all: [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
          ],
        },
      }),
    );
    expect(out.map(({ objects }) => objects[0]?.zones)).toEqual([[], ['square', 'all'], ['square', 'all']]);
  });

  test('tells once that somebody stays, and that who was lost has left', async () => {
    const frames = framesOf(Array.from({ length: 16 }, (_, at) => (at < 5 ? [trackAt(1, ...inside)] : [])));
    expect(await events(frames, { dwellMs: 200 })).toEqual([
      'enter square 1 at 0 after 0',
      'dwell square 1 at 200 after 200',
      'leave square 1 at 400 after 400',
    ]);
  });

  test('a frame that is delivered again changes nothing', async () => {
    const frames = walk([outside, inside, inside]);
    expect(
      await events(
        frames.flatMap((frame) => [frame, frame, frame]),
        { minFrames: 3 },
      ),
    ).toEqual([]);
  });

  test('pixels, and another anchor', async () => {
    const pixels = square.map(([x, y]) => [x * 100, y * 100] as const);
    expect(await events(walk([inside, inside]), { zones: { square: pixels }, units: 'pixels' })).toHaveLength(1);
    expect(
      await events(
        walk([
          [50, 85],
          [50, 85],
        ]),
        { anchor: 'top' },
      ),
    ).toHaveLength(1);
  });

  test.each<[Partial<ZonesOptions>, string]>([
    [{ zones: {} }, 'zones is empty'],
    [{ zones: { gate: [1, 2, 3] as never } }, "corner 0 of 'gate' is 1; expected two numbers"],
    [{ zones: { gate: {} as never } }, "'gate' is {}; expected a list of points"],
    [
      {
        zones: {
          gate: [
            [0, 0],
            [1, 1],
          ],
        },
      },
      "'gate' has 2 corners; expected at least 3",
    ],
    [
      {
        zones: {
          gate: [
            [0, 0],
            [1, 1],
            [1, 0],
            [0, 1],
          ],
        },
      },
      "edges 0 ([0, 0] to [1, 1]) and 2 ([1, 0] to [0, 1]) of 'gate' cross",
    ],
    [
      {
        zones: {
          gate: [
            [0, 0],
            [1, 0],
            [0.5, 0],
          ],
        },
      },
      "edges 0 ([0, 0] to [1, 0]) and 1 ([1, 0] to [0.5, 0]) of 'gate' cross",
    ],
    [
      {
        zones: {
          gate: [
            [0, 0],
            [0, 0],
            [1, 0],
            [1, 1],
          ],
        },
      },
      'has no length',
    ],
    [
      {
        zones: {
          gate: [
            [0, 0],
            [100, 0],
            [0, 100],
          ],
        },
      },
      "expected parts of the picture from 0 to 1, or say units: 'pixels'",
    ],
    [{ minFrames: 1.5 }, 'minFrames is 1.5; expected a whole number'],
    [{ dwellMs: -1 }, 'dwellMs is -1'],
    [JSON.parse('{"anchor":"feet"}') as Partial<ZonesOptions>, "anchor is 'feet'; expected 'bottom' or 'center' or 'top'"],
  ])('refuses %o', (options, message) => {
    expect(() => zones({ zones: { square }, ...options })).toThrow(refused(message));
  });
});

describe('countLine', () => {
  const line: CountLineOptions = {
    line: [
      [0, 0.5],
      [1, 0.5],
    ],
    band: 0.05,
  };

  test('counts who comes out of the band on the other side, by direction and class', async () => {
    const frames = framesOf(
      [30, 48, 52, 49, 51, 60, 40, 48, 40].map((y) => [trackAt(1, 30, y), trackAt(2, 70, 100 - y, { label: 'car' })]),
    );
    const out = await through(frames, countLine(line));
    const told = out.flatMap(({ crossings }) => crossings.map(({ id, label, direction, time }) => `${id} ${label} ${direction} ${time}`));
    expect(told).toEqual(['1 person in 500', '2 car out 500', '1 person out 600', '2 car in 600']);
    expect(out.at(-1)?.totals).toEqual({ in: 2, out: 2, byLabel: { person: { in: 1, out: 1 }, car: { in: 1, out: 1 } } });
    expect((await through(frames, countLine({ ...line, classes: ['car'] }))).at(-1)?.totals).toMatchObject({ in: 1, out: 1 });
  });

  test('who goes around an end is not counted', async () => {
    const half: CountLineOptions = {
      ...line,
      line: [
        [0, 0.5],
        [0.5, 0.5],
      ],
    };
    expect(
      (
        await through(
          walk([
            [70, 30],
            [70, 70],
            [20, 70],
          ]),
          countLine(half),
        )
      ).at(-1)?.totals.in,
    ).toBe(0);
    expect(
      (
        await through(
          walk([
            [70, 30],
            [70, 70],
            [20, 70],
            [20, 20],
          ]),
          countLine(half),
        )
      ).at(-1)?.totals,
    ).toMatchObject({ in: 0, out: 1 });
  });

  test('counts as many as there are changes of side beyond the band, whatever the way', () => {
    const place = fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }));
    const ends = fc.tuple(place, place).filter(([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) > 5);
    return fc.assert(
      fc.asyncProperty(
        fc.array(place, { minLength: 1, maxLength: 30 }),
        ends,
        fc.integer({ min: 0, max: 20 }),
        async (places, [a, b], band) => {
          // So long that nobody in the picture goes around its ends.
          const stretch = ([x, y]: Point, [u, v]: Point): Point => [x + (x - u) * 100, y + (y - v) * 100];
          const long = [stretch(a, b), stretch(b, a)] as const;
          const out = await through(walk(places), countLine({ line: [long[0], long[1]], units: 'pixels', band }));
          const normal = [-(b[1] - a[1]), b[0] - a[0]] as const;
          const distance = ([x, y]: Point): number => ((x - a[0]) * normal[0] + (y - a[1]) * normal[1]) / Math.hypot(...normal);
          const sides = places
            .map(distance)
            .filter((away) => Math.abs(away) > band + 1e-9)
            .map(Math.sign);
          const edge = places.map(distance).some((away) => Math.abs(Math.abs(away) - band) <= 1e-9);
          fc.pre(!edge);
          const changes = sides.filter((side, at) => at > 0 && side !== sides[at - 1]);
          const totals = out.at(-1)?.totals;
          expect([totals?.in, totals?.out]).toEqual([changes.filter((side) => side > 0).length, changes.filter((side) => side < 0).length]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each<[Partial<CountLineOptions>, string]>([
    [
      {
        line: [
          [0, 0],
          [0, 0],
        ],
      },
      'both ends of line are [0, 0]',
    ],
    [
      {
        line: [
          [0, 0],
          [0, 7],
        ],
      },
      'line[1] is [0, 7]',
    ],
    [{ band: NaN }, 'band is NaN'],
    [{ classes: [] }, 'classes is empty'],
  ])('refuses %o', (options, message) => {
    expect(() => countLine({ ...line, ...options })).toThrow(refused(message));
  });
});

describe('smooth', () => {
  const shown = async (pattern: string, options: Parameters<typeof smooth>[0]): Promise<string> => {
    const frames = framesOf(pattern.split('').map((letter) => (letter === 'a' ? [trackAt(1, 50, 50)] : [])));
    const out = await through(frames, smooth(options));
    return out.map(({ objects: [object] }) => (object ? (object.found ? 'a' : 'h') : '-')).join('');
  };

  test('shows what has been there for long enough, and holds it for a while', async () => {
    expect(await shown('-a-aa---a----', { appearMs: 0, appearFrames: 2, disappearMs: 200 })).toBe('---aahh-------'.slice(0, 13));
    expect(await shown('aaaa-a-----a', { appearMs: 200, appearFrames: 1, disappearMs: 300 })).toBe('--aahahhh---');
    expect(await shown('a-a-', { appearMs: 0, appearFrames: 1, disappearMs: 0 })).toBe('a-a-');
  });

  test.each([
    [{ appearMs: -1 }, 'appearMs is -1'],
    [{ appearFrames: 0 }, 'appearFrames is 0'],
    [{ disappearMs: NaN }, 'disappearMs is NaN'],
  ])('refuses %o', (options, message) => {
    expect(() => smooth(options)).toThrow(refused(message));
  });
});

describe('speed', () => {
  /** A street of 8 by 40 metres, seen by a camera that stands at its end. */
  const street = [
    { image: [0.1, 0.95], ground: [0, 0] },
    { image: [0.9, 0.95], ground: [8, 0] },
    { image: [0.6, 0.3], ground: [8, 40] },
    { image: [0.4, 0.3], ground: [0, 40] },
  ] as const;

  test.each([
    ['m/s', 1, 5],
    ['km/h', 3.6, 14],
  ] as const)('is that of the ground in %s, with boxes that jitter by a pixel', async (unit, factor, metresASecond) => {
    const toImage = estimateHomography(
      'test',
      street.map(({ image, ground }) => ({ image: ground, ground: image })),
    );
    const size = { width: 1920, height: 1080 };
    const frames = framesOf(
      Array.from({ length: 20 }, (_, at) => {
        const point = project(toImage, [4, (at * metresASecond) / 10]) ?? [0, 0];
        const jitter = Math.sin(at * 12.9898) * 1;
        return [trackAt(1, point[0] * size.width + jitter, point[1] * size.height + jitter)];
      }),
      size,
    );
    const out = await through(frames, speed({ points: street, unit }));
    const told = out.map(({ objects }) => objects[0]?.speed);
    expect(told.slice(0, 5)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    for (const one of told.slice(10)) expect(Math.abs((one ?? 0) / factor - metresASecond)).toBeLessThan(0.1 * metresASecond);
    expect(out[10]?.objects[0]?.position?.[1]).toBeCloseTo(metresASecond, 0);
  });

  test('nothing is told of what is beyond the horizon', async () => {
    const [above] = await through(walk([[50, 2]]), speed({ points: street }));
    expect(above?.objects[0]).toMatchObject({ position: undefined, speed: undefined });
  });

  test.each<[SpeedOptions, string]>([
    [{}, 'expected either points or homography'],
    [{ points: street.slice(0, 3) }, 'points has 3 pairs; expected at least 4'],
    [
      { points: street.with(2, { image: [0.5, 0.95], ground: [8, 40] } as never) },
      'image points [0.1, 0.95], [0.9, 0.95], [0.5, 0.95] are on one line',
    ],
    [{ points: street.with(2, { image: [0.6, 0.3], ground: [16, 0] } as never) }, 'ground points [0, 0], [8, 0], [16, 0] are on one line'],
    [{ homography: [1, 0, 0, 2, 0, 0, 0, 0, 1] }, 'homography has no inverse'],
    [{ homography: [1, 0, 0, 0, 1, 0, 0, 0, NaN] }, 'expected nine numbers'],
    [{ points: flat, windowMs: 0 }, 'windowMs is 0'],
  ])('refuses %o', (options, message) => {
    expect(() => speed(options)).toThrow(refused(message));
  });
});

describe('geometry', () => {
  const point = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }));

  test('a point is in a triangle when it is on one side of all its edges', () => {
    fc.assert(
      fc.property(point, point, point, point, (a, b, c, p) => {
        fc.pre(sideOf(a, b, c) !== 0);
        const sides = [sideOf(a, b, p), sideOf(b, c, p), sideOf(c, a, p)].map(Math.sign);
        fc.pre(!sides.includes(0));
        expect(isInside([a, b, c], p)).toBe(new Set(sides).size === 1);
      }),
    );
  });

  test('segments touch when some point of one is on the other', () => {
    fc.assert(
      fc.property(point, point, point, point, (a, b, c, d) => {
        // Cramer's rule, in whole numbers.
        const cross = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0]);
        fc.pre(cross !== 0);
        const t = ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / cross;
        const u = ((c[0] - a[0]) * (b[1] - a[1]) - (c[1] - a[1]) * (b[0] - a[0])) / cross;
        expect(segmentsTouch(a, b, c, d)).toBe(t >= 0 && t <= 1 && u >= 0 && u <= 1);
      }),
    );
  });

  test('a homography is found again from its points, and its inverse undoes it', () => {
    const part = fc.double({ min: -0.3, max: 0.3, noNaN: true });
    const corners: Point[] = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0.4, 0.6],
    ];
    fc.assert(
      fc.property(fc.tuple(part, part, part, part, part, part, part, part), ([a, b, c, d, e, f, g, h]) => {
        const truth: Homography = [1 + a, b, c, d, 1 + e, f, g, h, 1];
        const pairs = corners.map((image) => ({ image, ground: project(truth, image) ?? [NaN, NaN] }) as const);
        const there = estimateHomography('test', pairs);
        const back = estimateHomography(
          'test',
          pairs.map(({ image, ground }) => ({ image: ground, ground: image })),
        );
        const same = multiply(back, there);
        same.forEach((value, at) => expect(value / same[8]).toBeCloseTo(at % 4 === 0 ? 1 : 0, 5));
        const [x, y] = project(there, [0.3, 0.8]) ?? [NaN, NaN];
        const [u, v] = project(truth, [0.3, 0.8]) ?? [NaN, NaN];
        expect([x - u, y - v].map((away) => Math.abs(away) < 1e-6)).toEqual([true, true]);
      }),
    );
  });
});
