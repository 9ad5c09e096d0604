import { fromBroker, mapAsync, MemoryBroker, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import { trackObjects } from 'edgeflow/operators';
import type { Box, Detections, TrackObjectsOptions } from 'edgeflow/operators';
import { runMarbles } from 'edgeflow/testing';
import fc from 'fast-check';
import { linearSumAssignment } from 'linear-sum-assignment';
import { map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { assign } from '#operators/tracking/assign.js';
import { detectionsAt, find, settle, through } from './support.js';
import { streetFrames, trackStreet } from './streetTracking.js';
import { scoreTracking } from './trackingScore.js';
import type { Placed } from './trackingScore.js';

const idsOf = ({ objects }: { readonly objects: readonly { readonly id: number }[] }): number[] => objects.map(({ id }) => id);
const ids = async (frames: readonly Detections[], options: TrackObjectsOptions = {}): Promise<number[][]> =>
  (await through(frames, trackObjects(options))).map(idsOf);

/** Something 10 pixels wide that goes to the right. */
const going = (left: number, score = 0.9) => find([left, 10, left + 10, 40], { score });

describe('trackObjects', () => {
  test('keeps the id of what moves, also over a frame without it, and tells its way', async () => {
    const frames = Array.from({ length: 20 }, (_, at) => detectionsAt(at * 100, at === 12 ? [] : [going(at * 3)]));
    const tracks = await through(frames, trackObjects());
    expect(tracks.map(idsOf)).toEqual(frames.map((_, at) => (at === 12 ? [] : [1])));
    const last = tracks.at(-1)?.objects[0];
    expect(last).toMatchObject({ ageMs: 1900, hits: 19, found: true, label: 'person' });
    expect(last?.velocity[0]).toBeCloseTo(30, 0);
    expect(last?.velocity[1]).toBeCloseTo(0, 0);
  });

  test('steps follow the time of the frames: they may be missing', async () => {
    const at = [0, 100, 200, 300, 400, 500, 900, 1000, 1500, 1600];
    expect(await ids(at.map((time) => detectionsAt(time, [going(time * 0.04)])))).toEqual(at.map(() => [1]));
  });

  test('a camera that changes its resolution shows the same objects, on the same way', async () => {
    const frames = Array.from({ length: 20 }, (_, at) => detectionsAt(at * 100, [going(at * 3)]));
    const larger = frames.map((each, at) => {
      if (at < 8 || at === 12) return at === 12 ? { ...each, objects: [] } : each;
      const objects = each.objects.map(({ box: [x1, y1, x2, y2], ...object }) => ({
        ...object,
        box: [x1 * 4, y1 * 2, x2 * 4, y2 * 2] as Box,
      }));
      return { ...each, objects, width: 400, height: 200 };
    });
    const tracks = await through(larger, trackObjects());
    expect(tracks.map(idsOf)).toEqual(frames.map((_, at) => (at === 12 ? [] : [1])));
    expect(tracks.at(-1)?.objects[0]?.velocity[0]).toBeCloseTo(120, 0);
  });

  test('believes what is found twice; what is there in the first frame at once', async () => {
    const other = find([60, 60, 80, 80]);
    const frames = [[going(0)], [going(1), other], [going(2)], [going(3), other], [going(4), other]];
    expect(await ids(frames.map((objects, at) => detectionsAt(at * 100, objects)))).toEqual([[1], [1], [1], [1], [1, 2]]);
    expect(
      await ids(
        frames.slice(0, 2).map((objects, at) => detectionsAt(at * 100, objects)),
        { confirmFrames: 1 },
      ),
    ).toEqual([[1], [1, 2]]);
  });

  test('an unlikely find goes on with a track, and begins none', async () => {
    const frames = [0.9, 0.9, 0.3, 0.2, 0.9].map((score, at) =>
      detectionsAt(at * 100, [going(at, score), find([60, 60, 80, 80], { score: 0.3 })]),
    );
    expect(await ids(frames)).toEqual([[1], [1], [1], [1], [1]]);
  });

  test('tells where a lost object is expected for coastMs, and forgets it after maxLostMs', async () => {
    const there = (at: number): Detections => detectionsAt(at * 100, [going(at * 2)]);
    const gone = (at: number): Detections => detectionsAt(at * 100, []);
    const frames = [...[0, 1, 2, 3, 4, 5].map(there), ...[6, 7, 8].map(gone), ...[9, 10].map(there)];
    const tracks = await through(frames, trackObjects({ coastMs: 200, maxLostMs: 300 }));
    expect(tracks.map(({ objects }) => objects.map(({ found }) => found))).toEqual([
      ...[0, 1, 2, 3, 4, 5].map(() => [true]),
      [false],
      [false],
      [],
      [],
      [true],
    ]);
    expect(tracks.map(idsOf).flat()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(tracks[7]?.objects[0]?.box[0]).toBeGreaterThan(12);
  });

  test('each source has its own tracks, and no two share an id', async () => {
    const frames = ['a', 'b', 'a', 'b'].map((source, at) => detectionsAt(at * 100, [going(at)], { source }));
    expect(await ids(frames)).toEqual([[1], [2], [1], [2]]);
  });

  test('a source that begins anew is followed anew; a late frame is not', async () => {
    const frames = [100_000, 100_100, 100_000, 0, 100].map((time) => detectionsAt(time, [going(0)]));
    expect(await ids(frames)).toEqual([[1], [1], [1], [2], [2]]);
  });

  test('finds of another class are another object, unless told otherwise', async () => {
    const frames = [0, 1, 2].map((at) =>
      detectionsAt(at * 100, [find([0, 0, 20, 20], { classId: at > 0 ? 1 : 0, label: at > 0 ? 'dog' : 'person' })]),
    );
    expect(await ids(frames)).toEqual([[1], [], [2]]);
    expect(await ids(frames, { perClass: false })).toEqual([[1], [1], [1]]);
  });

  test('a box without area is left out; one that is none fails its delivery alone', async () => {
    const bad = [
      find([NaN, 0, 1, 1]),
      find([5, 0, 1, 1]),
      find([0, 0, Infinity, 1]),
      find([0, 0, 1, 1], { score: 7 }),
      find(undefined as never),
    ];
    const frames = [
      detectionsAt(0, [going(0), find([3, 3, 3, 9])]),
      ...bad.map((one) => detectionsAt(50, [one])),
      detectionsAt(100, [going(1)]),
    ];
    const { settled, out } = await settle(frames, trackObjects());
    expect(out.map(idsOf)).toEqual([[1], [1]]);
    expect(settled.map(({ failed }) => (failed ? (failed.error as { code: string }).code : 'ok'))).toEqual([
      'ok',
      ...bad.map(() => 'DETECTIONS_INVALID'),
      'ok',
    ]);
  });

  test('answers in the same instant', () =>
    runMarbles(({ cold, expectObservable }) => {
      const values = { a: detectionsAt(0, [going(0)]), b: detectionsAt(100, [going(1)]) };
      expectObservable(cold('a-b--|', values).pipe(trackObjects(), map(idsOf))).toBe('x-x--|', { x: [1] });
    }));

  test('a message is acked after its tracks have been dealt with', async () => {
    const broker = new MemoryBroker();
    const frames = topic<Detections>('frames');
    const group = async () => (await broker.stats())[0]?.groups.default;
    const seen: (readonly [acked: number | undefined, ids: number[]])[] = [];
    const subscription = fromBroker(frames, QoS.DURABLE, { broker })
      .pipe(
        trackObjects(),
        mapAsync(async (tracks) => seen.push([(await group())?.acked, idsOf(tracks)])),
      )
      .subscribe();
    await through([detectionsAt(0, [going(0)])], toBroker(frames, { broker }));
    while ((await group())?.acked !== 1) await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([[0, [1]]]);
    subscription.unsubscribe();
    await subscriptionsClosed();
    await broker.close();
  });

  test.each<[TrackObjectsOptions, string]>([
    [{ highScore: 2 }, 'highScore is 2; expected a number from 0 to 1'],
    [{ lowScore: 0.6 }, 'lowScore is 0.6; expected a number from 0 to 0.5'],
    [{ newScore: 0.1 }, 'newScore is 0.1; expected a number from 0.5 to 1'],
    [{ minIou: NaN }, 'minIou is NaN'],
    [{ reach: -1 }, 'reach is -1'],
    [{ confirmFrames: 0 }, 'confirmFrames is 0; expected a whole number of at least 1'],
    [{ maxLostMs: Infinity }, 'maxLostMs is Infinity'],
    [{ coastMs: 5000 }, 'coastMs is 5000; expected a number from 0 to 2000'],
  ])('refuses %o', (options, message) => {
    expect(() => trackObjects(options)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(message) as string }),
    );
  });
});

test('assignments are worth as much as those of another implementation', () => {
  const weights = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })).chain(([rows, columns]) => {
    const row = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: columns, maxLength: columns });
    return fc.array(row, { minLength: rows, maxLength: rows });
  });
  fc.assert(
    fc.property(weights, (matrix) => {
      const worth = (row: number, column: number): number => matrix[row]?.[column] ?? 0;
      const paired = assign(matrix.length, matrix[0]?.length ?? 0, worth);
      const taken = paired.filter((column) => column >= 0);
      expect(new Set(taken).size).toBe(taken.length);
      const total = paired.reduce((sum, column, row) => sum + (column < 0 ? 0 : worth(row, column)), 0);
      const best = linearSumAssignment(
        matrix.map((row) => row.map((value) => Math.max(0, value))),
        { maximaze: true },
      );
      expect(total).toBeCloseTo(best.gain, 9);
    }),
  );
});

describe('scoreTracking', () => {
  const at = (id: number, left: number): Placed => ({ id, label: 'car', box: [left, 0, left + 10, 10] });
  test('counts by hand: a miss, a false box, a switch', () => {
    const truth = [at(1, 0), at(2, 50)];
    const frames = [[at(7, 0), at(8, 50)], [at(7, 1)], [at(9, 0), at(8, 50), at(5, 80)], [at(9, 0), at(8, 50)]].map((said) => ({
      truth,
      said,
    }));
    // 8 objects, 1 missed, 1 wrong, 1 switch; tracks 1-7 (or 1-9) explain 2 boxes, 2-8 explains 3, of 8 said.
    expect(scoreTracking(frames)).toEqual({ mota: 1 - 3 / 8, idf1: (2 * 5) / 16, objects: 8, missed: 1, wrong: 1, switches: 1 });
  });
  test('ignored objects count neither way', () => {
    expect(scoreTracking([{ truth: [at(1, 0), { ...at(2, 50), ignore: true }], said: [at(7, 0), at(8, 50)] }])).toMatchObject({
      mota: 1,
      idf1: 1,
    });
  });
});

test('follows a generated street', async () => {
  const mistakes = { missed: 0.1, jitter: 0.05, invented: 0.5 };
  const { mota, idf1 } = scoreTracking(await trackStreet(streetFrames(7, 40, 320), { seed: 7, mistakes, options: { coastMs: 300 } }));
  expect(mota).toBeGreaterThan(0.85);
  expect(idf1).toBeGreaterThan(0.8);
});
