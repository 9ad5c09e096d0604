import { compareOutputs, matchDetections, sameDetections } from 'edgeflow/operators';
import type { Comparison, Detection, Detections, Unpaired } from 'edgeflow/operators';
import fc from 'fast-check';
import { from, lastValueFrom, map, toArray } from 'rxjs';
import type { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import { Deliveries, marbles, turn } from '../flow/support.js';

interface Value {
  readonly source: string;
  readonly index: number;
  readonly found: number;
}

const value = (index: number, found = 0): Value => ({ source: 'door', index, found });
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });
const text = map(({ key, same }: Comparison<unknown>) => `${key}${same ? '=' : '≠'}`);
/** Letters are their own keys, and equal when they are of the same case. */
const letters = { key: (letter: string): string => letter.toLowerCase() };

test('pairs by key in whatever order; what has no partner is let go when its time is over or the other input has ended', () => {
  const alone: string[] = [];
  const onUnpaired = ({ input, key }: Unpaired<string>): unknown => alone.push(`${input} ${key}`);
  const outputs: Record<string, string> = { a: 'a=', b: 'b≠', d: 'd=' };
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const live = cold('     abcd-----|');
    const candidate = cold('--Badx-|');
    const compared = compareOutputs({ live, candidate }, { ...letters, waitMs: 50, onUnpaired });
    expectObservable(compared.pipe(text)).toBe('--bad----|', outputs);
    expectSubscriptions(live.subscriptions).toBe('^--------!');
  });
  expect(alone).toEqual(['live c', 'candidate x']);
  alone.length = 0;
  marbles(({ cold, expectObservable }) => {
    const live = cold('     a---b--|');
    const candidate = cold('----b--a|');
    const compared = compareOutputs({ live, candidate }, { ...letters, waitMs: 3, onUnpaired });
    expectObservable(compared.pipe(text)).toBe('----b---|', { b: 'b=' });
  });
  expect(alone).toEqual(['live a', 'candidate a']);
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const live = cold('     a-----|');
    const candidate = cold('a--#');
    expectObservable(compareOutputs({ live, candidate }, letters).pipe(text)).toBe('a--#', { a: 'a=' });
    expectSubscriptions(live.subscriptions).toBe('^--!');
  });
});

test('another threshold gives exactly the differences that it should, whatever each of the two skipped', async () => {
  const scores = fc.array(fc.record({ score: fc.nat({ max: 9 }), live: fc.boolean(), candidate: fc.boolean() }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(scores, fc.nat({ max: 9 }), fc.nat({ max: 9 }), async (frames, liveAt, candidateAt) => {
      const detect = (who: 'live' | 'candidate', threshold: number): Observable<Value> =>
        from(frames.flatMap(({ score, [who]: seen }, index) => (seen ? [value(index, Number(score >= threshold))] : [])));
      const alone: string[] = [];
      const compared = await lastValueFrom(
        compareOutputs(
          { live: detect('live', liveAt), candidate: detect('candidate', candidateAt) },
          { onUnpaired: ({ input, key }) => alone.push(`${input} ${key}`) },
        ).pipe(toArray()),
      );
      const both = frames.flatMap((frame, index) => (frame.live && frame.candidate ? [{ ...frame, index }] : []));
      const expected = both.map(({ score, index }) => `door ${index}${score >= liveAt === score >= candidateAt ? '=' : '≠'}`);
      expect(compared.map(({ key, same }) => `${key}${same ? '=' : '≠'}`).sort()).toEqual(expected.sort());
      expect(alone.sort()).toEqual(
        frames.flatMap(({ live, candidate }, index) => (live === candidate ? [] : [`${live ? 'live' : 'candidate'} door ${index}`])).sort(),
      );
      if (liveAt === candidateAt) expect(compared.every(({ same }) => same)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a pair settles together, and fails together; what waits is held, and pushed out by maxPending', async () => {
  const live = new Deliveries<Value>();
  const candidate = new Deliveries<Value>();
  const counts: unknown[] = [];
  compareOutputs(
    { live: live.stream, candidate: candidate.stream },
    {
      maxPending: 2,
      equal: (a, b) => {
        if (a.index === 1) throw new Error('cannot be compared');
        return a.found === b.found;
      },
    },
  ).subscribe((comparison) => counts.push(comparison.counts));
  live.next(value(0), value(1), value(2), value(3));
  expect(live.settled).toEqual(['[object Object] ok', '[object Object] ok']);
  candidate.next(value(2), value(3, 1));
  await turn();
  expect(counts).toEqual([
    { same: 1, different: 0, onlyLive: 2, onlyCandidate: 0 },
    { same: 1, different: 1, onlyLive: 2, onlyCandidate: 0 },
  ]);
  expect([live.settled.length, candidate.settled.length]).toEqual([4, 2]);
  candidate.next(value(1));
  live.next(value(1));
  live.next({ source: 'door' } as Value);
  await turn();
  expect(live.settled.slice(4)).toEqual(['[object Object] failed', '[object Object] failed']);
  expect(candidate.settled.slice(2)).toEqual(['[object Object] failed']);
});

const object = (label: string, x: number, score = 0.9): Detection => ({ label, classId: 0, score, box: [x, 0, x + 10, 10] });
const found = (model: string, objects: readonly Detection[], width = 100): Detections => ({
  objects,
  width,
  height: width,
  time: 1,
  index: 1,
  source: 'door',
  model,
});

test('detections are the same when each object has a partner in its place, by the default too', async () => {
  const same = sameDetections();
  const two = found('live', [object('person', 0), object('person', 4)]);
  // The first box overlaps both; only one way round gives each a partner.
  expect(same(two, found('next', [object('person', 2), object('person', -1)]))).toBe(true);
  expect(same(two, found('next', [object('person', 0)]))).toBe(false);
  expect(same(two, found('next', [object('person', 0), object('car', 4)]))).toBe(false);
  expect(same(two, found('next', [object('person', 0), object('person', 40)]))).toBe(false);
  expect(sameDetections({ minScore: 0.5 })(two, found('next', [...two.objects, object('dog', 50, 0.3)]))).toBe(true);
  const large = found('next', [{ ...object('person', 0), box: [0, 0, 20, 20] }], 200);
  expect(same(found('live', [object('person', 0)]), large)).toBe(true);
  const live = from([two, { ...found('live', []), index: 2 }]);
  const candidate = from([found('next', two.objects), { ...found('next', [object('dog', 0)]), index: 2 }]);
  const compared = await lastValueFrom(compareOutputs({ live, candidate }).pipe(text, toArray()));
  expect(compared).toEqual(['door 1=', 'door 2≠']);
});

test('objects are paired each once, as many as can be, those that overlap most, within a label', () => {
  const match = matchDetections();
  const live = found('live', [object('person', 0), object('person', 3), object('dog', 50)]);
  const candidate = found('next', [object('person', 2), object('cat', 50)]);
  expect(match(live, candidate)).toEqual({
    pairs: [[live.objects[1], candidate.objects[0]]],
    onlyFirst: [live.objects[0], live.objects[2]],
    onlySecond: [candidate.objects[1]],
  });
  const [one, other] = [object('person', 2), object('person', -1)];
  // Two pairs are more than the one that overlaps most.
  expect(match(found('live', [object('person', 0), object('person', 4)]), found('next', [one, other])).pairs).toEqual([
    [object('person', 0), other],
    [object('person', 4), one],
  ]);
  const unsure = found('next', [object('person', 0, 0.3)]);
  expect(matchDetections({ minScore: 0.5 })(unsure, live)).toMatchObject({ pairs: [], onlyFirst: [], onlySecond: live.objects });
});

test('wrong options are refused', () => {
  const streams = { live: from([1]), candidate: from([1]) };
  expect(() => compareOutputs(streams, { waitMs: 0 })).toThrow(code('OPTIONS_INVALID'));
  expect(() => compareOutputs(streams, { maxPending: 0.5 })).toThrow(code('OPTIONS_INVALID'));
  expect(() => sameDetections({ minIou: 0 })).toThrow(code('OPTIONS_INVALID'));
  expect(() => sameDetections({ minScore: 2 })).toThrow(/^sameDetections: minScore is 2; expected a number from 0 to 1/);
  expect(() => matchDetections({ minIou: NaN })).toThrow(code('OPTIONS_INVALID'));
});
