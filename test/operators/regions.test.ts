import { readFileSync } from 'node:fs';
import {
  annotate,
  blurRegions,
  crop,
  decodeImage,
  detectMotion,
  detectYolo,
  encodeJpeg,
  resize,
  serveMjpeg,
  storeBlob,
  tileFrames,
} from 'edgeflow/operators';
import type { Box, CoverStyle, Frame } from 'edgeflow/operators';
import { runMarbles } from 'edgeflow/testing';
import { lastValueFrom, map, of, toArray } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { plainFrame } from './support.js';
import { shared, temporaryFolder } from './systemSupport.js';
import { throughBroker } from './throughBroker.js';

/** A picture and boxes in it. */
interface Seen {
  readonly frame: Frame;
  readonly boxes: readonly Box[];
}

const seen = { frame: ({ frame }: Seen) => frame, boxes: ({ boxes }: Seen) => boxes };
const each = <T, R>(value: T, operator: OperatorFunction<T, R>): Promise<R[]> => lastValueFrom(of(value).pipe(operator, toArray()));
const one = async <T>(value: T, operator: OperatorFunction<T, Frame>): Promise<Frame> => {
  const [frame] = await each(value, operator);
  if (!frame) throw new Error('nothing came out');
  return frame;
};

/** A frame of noise, the same for the same seed. */
function noise(width: number, height: number, changes: Partial<Frame> = {}): Frame {
  const plain = plainFrame(width, height, changes);
  let state = 12_345;
  const data = plain.data.map(() => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
  return { ...plain, data };
}

const pixel = ({ data, width, format }: Frame, x: number, y: number): number[] => {
  const channels = format === 'gray8' ? 1 : 3;
  return [...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels)];
};

/** The places whose pixels differ between two frames of one size. */
function differing(a: Frame, b: Frame): [x: number, y: number][] {
  const places: [number, number][] = [];
  const channels = a.format === 'gray8' ? 1 : 3;
  for (let place = 0; place < a.width * a.height; place++) {
    const at = place * channels;
    const same = [0, 1, 2].every((channel) => channel >= channels || a.data[at + channel] === b.data[at + channel]);
    if (!same) places.push([place % a.width, Math.floor(place / a.width)]);
  }
  return places;
}

const wrongBoxes: unknown[] = [[NaN, 0, 9, 9], [0, 0, Infinity, 9], [9, 0, 0, 9], [0, 9, 9, 0], [0, 0, 9], ['0', 0, 9, 9], null];

describe('crop', () => {
  test.each(['rgb24', 'gray8'] as const)('cuts a part out of %s, to the byte, and leaves the whole alone', async (format) => {
    const whole = noise(32, 20, { format, index: 7, time: 9, source: 'door' });
    const before = whole.data.slice();
    const part = await one(whole, crop({ box: [3.2, 4, 10, 19.5] }));
    expect(part).toMatchObject({ width: 7, height: 16, format, index: 7, time: 9, source: 'door' });
    for (const [x, y] of [
      [0, 0],
      [6, 15],
      [3, 8],
    ] as const)
      expect(pixel(part, x, y)).toEqual(pixel(whole, x + 3, y + 4));
    expect(part.data.length).toBe(part.width * part.height * (format === 'gray8' ? 1 : 3));
    expect(whole.data).toEqual(before);
  });

  test('gives a frame for each box, with its margin, and none for what lies outside', async () => {
    const boxes: Box[] = [
      [0, 0, 10, 10],
      [-5, 15, 5, 40],
      [50, 50, 60, 60],
      [4, 4, 4, 8],
    ];
    const parts = await each({ frame: noise(32, 20), boxes }, crop({ ...seen, margin: 0.5 }));
    expect(parts.map(({ width, height }) => [width, height])).toEqual([
      [15, 15],
      [10, 18],
    ]);
    expect(await each({ frame: noise(32, 20), boxes: [] }, crop(seen))).toEqual([]);
  });

  test('decodes JPEG', async () => {
    const jpeg = await one(plainFrame(32, 16), encodeJpeg());
    expect(await one(jpeg, crop({ box: [8, 8, 16, 99] }))).toMatchObject({ width: 8, height: 8, format: 'rgb24' });
  });

  test('refuses a part that is none, and one that lies outside of the picture', async () => {
    for (const box of wrongBoxes.slice(0, 5))
      expect(() => crop({ box: box as Box })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    expect(() => crop({ ...seen, margin: -1 })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    await expect(one(plainFrame(32, 16), crop({ box: [40, 0, 50, 10] }))).rejects.toMatchObject({ code: 'BOX_INVALID' });
  });
});

describe('blurRegions', () => {
  const box: Box = [13, 10, 61, 52];

  test.each<[CoverStyle, 'rgb24' | 'gray8']>([
    ['mosaic', 'rgb24'],
    ['mosaic', 'gray8'],
    ['smooth', 'rgb24'],
    ['smooth', 'gray8'],
    ['fill', 'rgb24'],
    ['fill', 'gray8'],
  ])('%s of %s: all within the box is changed, and nothing outside of it', async (style, format) => {
    const frame = noise(96, 64, { format });
    const before = frame.data.slice();
    const covered = await one({ frame, boxes: [box] }, blurRegions({ ...seen, style, margin: 0 }));
    const places = differing(frame, covered);
    expect(places.every(([x, y]) => x >= 13 && x < 61 && y >= 10 && y < 52)).toBe(true);
    expect(places.length).toBeGreaterThan(0.97 * 48 * 42);
    // Noise of 0 to 255 is on average 64 from its mean.
    const change =
      places.reduce((sum, [x, y]) => sum + Math.abs((pixel(frame, x, y)[0] ?? 0) - (pixel(covered, x, y)[0] ?? 0)), 0) / places.length;
    expect(change).toBeGreaterThan(50);
    expect(frame.data).toEqual(before);
  });

  test.each<CoverStyle>(['mosaic', 'smooth', 'fill'])('%s: what cannot be told from its means looks the same', async (style) => {
    const frame = noise(96, 64);
    // The pixels of each cell of 8 pixels change places.
    const shuffled = { ...frame, data: frame.data.slice() };
    for (let y = 10; y < 52; y++) {
      for (let x = 13; x < 61; x++) {
        const left = 13 + Math.floor((x - 13) / 8) * 8;
        const high = y >= 50 ? 2 : 8;
        const top = 10 + Math.floor((y - 10) / 8) * 8;
        shuffled.data.set(pixel(frame, left + 7 - (x - left), top + high - 1 - (y - top)), (y * 96 + x) * 3);
      }
    }
    expect(differing(frame, shuffled).length).toBeGreaterThan(1_900);
    const options = { ...seen, style, cells: 6, margin: 0 };
    const [first, other] = [
      await one({ frame, boxes: [box] }, blurRegions(options)),
      await one({ frame: shuffled, boxes: [box] }, blurRegions(options)),
    ];
    expect(Buffer.compare(first.data, other.data)).toBe(0);
  });

  test('a small box keeps no more than one colour', async () => {
    const covered = await one({ frame: noise(40, 40), boxes: [[10, 10, 17, 17]] }, blurRegions({ ...seen, margin: 0, cells: 16 }));
    expect(new Set(Array.from({ length: 49 }, (_, at) => pixel(covered, 10 + (at % 7), 10 + Math.floor(at / 7)).join()))).toHaveProperty(
      'size',
      1,
    );
  });

  test('boxes are cut off at the edges of the picture, and may cover all of it', async () => {
    const frame = noise(40, 30);
    const all = await one({ frame, boxes: [[-1e9, -5, 1e9, 1e300]] }, blurRegions({ ...seen, style: 'fill' }));
    expect(all.data.every((value) => value === 0)).toBe(true);
    const none = await one(
      {
        frame,
        boxes: [
          [50, 0, 60, 9],
          [5, 5, 5, 20],
        ],
      },
      blurRegions(seen),
    );
    expect(Buffer.compare(none.data, frame.data)).toBe(0);
  });

  const street = shared('media/vtest_f200.jpg');
  const model = shared('models/yolox_nano.onnx');
  test.skipIf(street.absent || model.absent)('people of a real street are not found any more, and the cars still are', async () => {
    const data = readFileSync(street.path);
    const { width, height } = await sharp(data).metadata();
    const frame: Frame = { data, width, height, format: 'jpeg', time: 0, index: 0, source: 'street' };
    const detect = detectYolo({ model: model.path });
    const [found] = await each(frame, detect);
    const people = found?.objects.filter(({ label }) => label === 'person') ?? [];
    expect(people.length).toBeGreaterThan(5);
    const [left] = await each({ frame, boxes: people.map(({ box: person }) => person) }, (values) =>
      values.pipe(blurRegions(seen), detect),
    );
    expect(left?.objects.map(({ label }) => label)).not.toContain('person');
    expect(left?.objects.map(({ label }) => label)).toContain('car');
  });

  test.each([{ style: 'blur' as CoverStyle }, { cells: 0 }, { cells: 17 }, { cells: 2.5 }, { margin: -0.1 }, { margin: NaN }])(
    'refuses %o',
    (wrong) => {
      expect(() => blurRegions({ ...seen, ...wrong })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    },
  );
});

describe('annotate', () => {
  const frame = plainFrame(200, 120, { data: new Uint8Array(200 * 120 * 3).fill(90) });

  test('draws at the box, and leaves the rest to the byte', async () => {
    const drawn = await one(
      { frame, boxes: [[40, 50, 80, 90]] },
      annotate({ frame: seen.frame, boxes: ({ boxes }: Seen) => boxes.map((box) => ({ box })) }),
    );
    const places = differing(frame, drawn);
    expect(places.length).toBeGreaterThan(150);
    expect(
      places.every(
        ([x, y]) =>
          (Math.abs(x - 40) < 3 || Math.abs(x - 80) < 3 || Math.abs(y - 50) < 3 || Math.abs(y - 90) < 3) &&
          x > 36 &&
          x < 84 &&
          y > 46 &&
          y < 94,
      ),
    ).toBe(true);
    expect(frame.data.every((value) => value === 90)).toBe(true);
  });

  test('draws labels, ways, zones and a title, of gray frames too', async () => {
    const gray = plainFrame(200, 120, { format: 'gray8', data: new Uint8Array(200 * 120).fill(90) });
    const marks = {
      boxes: () => [{ box: [100, 60, 140, 100] as const, label: 'person', score: 0.9, track: 4 }],
      paths: () => [
        {
          points: [
            [10, 100],
            [90, 100],
          ] as const,
          track: 4,
        },
      ],
      zones: [
        {
          points: [
            [150, 10],
            [190, 10],
            [170, 40],
          ] as const,
          label: 'door',
        },
      ],
      title: () => 'yard',
    };
    const drawn = await one(gray, annotate({ frame: (value: Frame) => value, ...marks }));
    expect(drawn).toMatchObject({ format: 'rgb24', width: 200, height: 120 });
    const places = differing({ ...gray, format: 'rgb24', data: new Uint8Array(200 * 120 * 3).fill(90) }, drawn);
    const within = (x1: number, y1: number, x2: number, y2: number): number =>
      places.filter(([x, y]) => x >= x1 && x < x2 && y >= y1 && y < y2).length;
    expect(within(0, 0, 60, 20)).toBeGreaterThan(100);
    expect(within(20, 98, 80, 103)).toBeGreaterThan(50);
    expect(within(160, 15, 180, 25)).toBeGreaterThan(100);
    expect(within(100, 44, 140, 58)).toBeGreaterThan(100);
    expect(within(0, 40, 90, 90)).toBe(0);
  });

  test('the same thing has the same colour in every frame, and text is text', async () => {
    const marks = (x: number, label: string) =>
      annotate({ frame: (value: Frame) => value, boxes: () => [{ box: [x, 20, x + 20, 110] as const, label, track: 'a7' }] });
    const [here, there] = [await one(frame, marks(20, 'x')), await one(frame, marks(150, '</text><script/>&amp;"\u0000\ud800🐕'))];
    expect(pixel(here, 20, 80)).toEqual(pixel(there, 150, 80));
  });

  test('a text that is long or at the edge stays within the picture', async () => {
    const long = { box: [190, -1e300, 1e300, 40] as const, label: 'x'.repeat(100_000) };
    expect((await one(frame, annotate({ frame: (value: Frame) => value, boxes: () => [long] }))).data.length).toBe(200 * 120 * 3);
  });
});

const encoded = await one(noise(40, 30), encodeJpeg());

describe('in the same instant, each in its turn', () => {
  const [a, b] = [noise(40, 30), noise(40, 30, { index: 1 })];
  const boxes: Box[] = [[5, 5, 20, 20]];
  const operators: [string, OperatorFunction<Seen, Frame>][] = [
    ['crop', crop(seen)],
    ['blurRegions', blurRegions({ ...seen, style: 'fill' })],
    [
      'detectMotion',
      (values) =>
        values.pipe(
          map(seen.frame),
          detectMotion(),
          map(({ frame }) => frame),
        ),
    ],
  ];

  test.each(operators)('%s', (_, operator) =>
    runMarbles(({ cold, durable, expectObservable }) => {
      const values = { a: { frame: a, boxes }, b: { frame: b, boxes } };
      const index = map((frame: Frame) => frame.index);
      expectObservable(cold('a-b--|', values).pipe(operator, index)).toBe('a-b--|', { a: 0, b: 1 });
      expectObservable(cold('ab-#', values).pipe(operator, index)).toBe('ab-#', { a: 0, b: 1 });
      expectObservable(cold('a-b--|', values).pipe(durable(operator), index)).toBe('a-b--|', { a: 0, b: 1 });
    }),
  );
});

describe('what cannot be used fails its own delivery, and the stream goes on', () => {
  const good = { frame: noise(40, 30), boxes: [[5, 5, 20, 20]] as Box[] };
  const wrongFrames: [string, Partial<Frame>][] = [
    ['FRAME_INVALID', { data: new Uint8Array(7) }],
    ['FRAME_INVALID', { width: 0, data: new Uint8Array() }],
    ['FRAME_INVALID', { width: 100_000 }],
    ['FRAME_INVALID', { format: 'yuv420p' as 'rgb24' }],
    ['FRAME_INVALID', { ...encoded, width: 41 }],
    ['IMAGE_INVALID', { ...encoded, data: encoded.data.slice(0, encoded.data.length / 2) }],
  ];
  const operators: [string, () => OperatorFunction<Seen, Frame>][] = [
    ['crop', () => crop(seen)],
    ['blurRegions', () => blurRegions(seen)],
    ['annotate', () => annotate({ frame: seen.frame, boxes: ({ boxes }) => boxes.map((box) => ({ box })) })],
    [
      'annotate, ways',
      () =>
        annotate({
          frame: seen.frame,
          paths: ({ boxes }) =>
            boxes.map(([x1, y1, x2, y2]) => ({
              points: [
                [x1, y1],
                [x2, y2],
              ],
            })),
        }),
    ],
  ];

  test.each(operators)('%s', async (name, operator) => {
    const values: Seen[] = [
      good,
      ...wrongFrames.map(([, changes]) => ({ ...good, frame: { ...good.frame, ...changes } })),
      ...(name === 'annotate, ways' ? [[NaN, 0, 9, 9]] : wrongBoxes).map((box) => ({ ...good, boxes: [box as Box] })),
      good,
    ];
    const { results, failures } = await throughBroker(values, operator());
    expect(results).toHaveLength(2);
    const codes = [
      ...wrongFrames.map(([code]) => code),
      ...Array.from({ length: values.length - 2 - wrongFrames.length }, () => 'BOX_INVALID'),
    ];
    expect(failures.map((failure) => /^[A-Z]+_[A-Z]+/.exec(failure)?.[0])).toEqual(codes);
  });

  const whole: [string, () => OperatorFunction<Frame, unknown>, looksIntoJpeg: boolean][] = [
    ['resize', () => resize({ width: 20 }), true],
    ['decodeImage', () => decodeImage(), true],
    // A JPEG that a newer frame replaces is not looked into.
    ['tileFrames', () => tileFrames({ sources: [good.frame.source], width: 64 }), false],
    ['encodeJpeg', () => encodeJpeg(), false],
    ['serveMjpeg', () => serveMjpeg({ port: 0 }), false],
    ['storeBlob', () => storeBlob({ directory: temporaryFolder() }), false],
  ];

  test.each(whole)('%s', async (_, operator, looksIntoJpeg) => {
    const wrong = wrongFrames.slice(0, looksIntoJpeg ? undefined : 4);
    const frames = [good.frame, ...wrong.map(([, changes]) => ({ ...good.frame, ...changes })), good.frame];
    const { results, failures } = await throughBroker(frames, operator());
    expect(results).toHaveLength(2);
    expect(failures.map((failure) => /^[A-Z]+_[A-Z]+/.exec(failure)?.[0])).toEqual(wrong.map(([code]) => code));
  });
});

test.each<[string, (boxes: () => readonly Box[]) => OperatorFunction<Frame, Frame>]>([
  ['crop', (boxes) => crop({ frame: (frame: Frame) => frame, boxes })],
  ['blurRegions', (boxes) => blurRegions({ frame: (frame: Frame) => frame, boxes })],
])('%s: where no list of boxes is given, as of a misspelt field, the frame fails by name', async (name, operator) => {
  await expect(
    one(
      plainFrame(32, 16),
      operator(() => undefined as unknown as Box[]),
    ),
  ).rejects.toMatchObject({
    code: 'BOX_INVALID',
    message: `${name}: the boxes are undefined; expected a list of [left, top, right, bottom]`,
  });
});
