import { camera, detectMotion, drawScene, encodeJpeg, iou } from 'edgeflow/operators';
import type { DetectMotionOptions, Frame, Motion } from 'edgeflow/operators';
import { from, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { plainFrame } from './support.js';
import { lacks, shared } from './systemSupport.js';
import { throughBroker } from './throughBroker.js';

const motionOf = (frames: readonly Frame[], options?: DetectMotionOptions): Promise<Motion[]> =>
  lastValueFrom(from(frames).pipe(detectMotion(options), toArray()));
const moving = (motions: readonly Motion[]): string => motions.map((motion) => (motion.moving ? 'M' : '.')).join('');

const [width, height] = [160, 120];

/** A frame of even brightness, with a bright square whose left edge is at `x`. */
function square(x: number | undefined, changes: Partial<Frame> = {}, light = 60): Frame {
  const frame = plainFrame(width, height, { format: 'gray8', ...changes });
  const data = frame.data.fill(light);
  if (x !== undefined) for (let y = 40; y < 60; y++) data.fill(light + 100, y * width + x, y * width + x + 20);
  return { ...frame, data };
}

/** Where the square is in each of these frames: `.` nowhere, a digit in that tenth of the picture's width. */
const squares = (positions: string, changes?: Partial<Frame>): Frame[] =>
  Array.from(positions, (sign) => square(sign === '.' ? undefined : Number(sign) * 14, changes));

describe('against what?', () => {
  test.each<[string, DetectMotionOptions, string, string]>([
    ['nothing to compare the first frame with', {}, '5', '.'],
    ['running: what comes and goes', {}, '...123...', '...MMM...'],
    ['running: what has stopped is still there', {}, '...33333333...', '...MMMMMMMM...'],
    ['running: what stays is background at last', { absorbFrames: 4 }, '...33333333', '...MMMM....'],
    ['previous: what has stopped is still', { background: 'previous' }, '...3333...', '...M...M..'],
    ['previous: what moves', { background: 'previous' }, '..1234..', '..MMMMM.'],
  ])('%s', async (_, options, positions, wanted) => {
    expect(moving(await motionOf(squares(positions), options))).toBe(wanted);
  });

  test('says where, in pixels of the frame, and how much', async () => {
    const [, motion] = await motionOf([square(undefined), square(70)]);
    expect(motion?.boxes).toEqual([[70, 40, 90, 60]]);
    expect(motion?.score).toBeCloseTo(400 / (width * height));
  });

  test('a change of the light is no motion, and what moves in it is', async () => {
    const lights = [60, 64, 70, 80, 95, 110];
    expect(moving(await motionOf(lights.map((light) => square(undefined, {}, light))))).toBe('......');
    const motions = await motionOf([...lights.map((light) => square(undefined, {}, light)), square(30, {}, 125)]);
    expect(motions.at(-1)?.boxes).toEqual([[30, 40, 50, 60]]);
  });

  test('what is smaller than the share, or darker than the threshold, does not count', async () => {
    const frames = squares('..5');
    expect(moving(await motionOf(frames, { minAreaShare: 401 / (width * height) }))).toBe('...');
    expect(moving(await motionOf(frames, { threshold: 101 }))).toBe('...');
    expect(moving(await motionOf(frames, { threshold: 99, minAreaShare: 0.01 }))).toBe('..M');
  });

  test('each source has its own background, and a new size a new one', async () => {
    const [door, yard] = [squares('..1', { source: 'door' }), squares('777', { source: 'yard' })];
    expect(moving(await motionOf(door.flatMap((frame, at) => [frame, yard[at] ?? frame])))).toBe('....M.');
    const small = plainFrame(80, 60, { format: 'gray8' });
    expect(moving(await motionOf([...squares('..'), small, small, ...squares('3')]))).toBe('.....');
  });

  test('each subscription begins anew', async () => {
    const stream = from(squares('.1')).pipe(detectMotion(), toArray());
    for (let again = 0; again < 2; again++) expect(moving(await lastValueFrom(stream))).toBe('.M');
  });
});

test('in a drawn street, all that moves is found, and nothing in an empty one', async () => {
  const view = { seed: 21, fps: 10 };
  const [empty, busy] = [drawScene({ ...view, traffic: 0 }), drawScene({ ...view, traffic: { walkers: 1, cars: 1 } })];
  const still = Array.from({ length: 20 }, (_, index) => empty(index).frame);
  const moments = Array.from({ length: 20 }, (_, at) => busy(20 + at));
  const frames = await lastValueFrom(from([...still, ...moments.map(({ frame }) => frame)]).pipe(encodeJpeg({ quality: 70 }), toArray()));
  const motions = await motionOf(frames);
  expect(moving(motions)).toBe('.'.repeat(20) + 'M'.repeat(20));
  expect(motions.every(({ frame, score }, index) => frame === frames[index] && score >= 0 && score < 0.6)).toBe(true);
  // Whoever fills twice the least share of the picture is found, by a box that is not much larger than he is.
  const large = moments.flatMap(({ objects }, at) =>
    objects
      .filter(({ visible, box: [x1, y1, x2, y2] }) => visible > 0.8 && (x2 - x1) * (y2 - y1) > 0.004 * 640 * 360)
      .map(({ box }) => Math.max(0, ...(motions[20 + at]?.boxes ?? []).map((found) => iou(found, box)))),
  );
  expect(large.length).toBeGreaterThanOrEqual(20);
  expect(large.filter((overlap) => overlap > 0.4).length / large.length).toBeGreaterThan(0.9);
});

const video = shared('media/one-by-one-person-detection.mp4');
test.skipIf(video.absent || lacks('ffmpeg'))(
  'in a film of people who come one at a time, none is missed, and the gaps are still',
  async () => {
    // Whether YOLOX-Nano finds a person (score 0.5 or more): in none of 61 frames, then in 133, and so on.
    const gaps = [
      [0, 61],
      [194, 227],
    ] as const;
    const cut = { pace: false, width: 160, inputArguments: ['-t', '24'] };
    const motions = await lastValueFrom(
      camera({ source: video.path, ...cut }).pipe(
        detectMotion(),
        map(({ moving: value }) => value),
        toArray(),
      ),
    );
    expect(motions).toHaveLength(240);
    const inGap = (index: number): boolean => gaps.some(([first, end]) => index >= first && index < end);
    expect(motions.flatMap((value, index) => (inGap(index) || value ? [] : [index]))).toEqual([]);
    const still = motions.filter((value, index) => inGap(index) && !value).length;
    // The rest of a gap is somebody who comes or goes, of whom the detector does not see enough.
    expect(still / motions.filter((_, index) => inGap(index)).length).toBeGreaterThan(0.75);
  },
);

test('a frame that does not hold what it says fails its own delivery, and the background stays', async () => {
  const jpeg = { format: 'jpeg', data: new Uint8Array([0xff, 0xd8, 0, 0, 0, 0]) } as const;
  const wrong: Partial<Frame>[] = [{ data: new Uint8Array(5) }, { width: 0 }, { height: 99_999 }, { format: 'nv12' as 'gray8' }, jpeg];
  const [tall] = await lastValueFrom(from([plainFrame(20, 40)]).pipe(encodeJpeg(), toArray()));
  wrong.unshift({ ...tall, width, height });
  const frames = [square(undefined), ...wrong.map((changes) => ({ ...square(10), ...changes })), square(50)];
  const { results, failures } = await throughBroker(frames, detectMotion());
  expect(moving(results)).toBe('.M');
  expect(failures.map((failure) => /^[A-Z]+_[A-Z]+/.exec(failure)?.[0])).toEqual([
    ...Array.from({ length: 5 }, () => 'FRAME_INVALID'),
    'IMAGE_INVALID',
  ]);
});

test.each([
  { threshold: 0 },
  { threshold: NaN },
  { minAreaShare: 2 },
  { background: 'mean' as 'running' },
  { learningRate: 0 },
  { absorbFrames: 0 },
  { width: 8 },
])('refuses %o', (options) => {
  expect(() => detectMotion(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});
