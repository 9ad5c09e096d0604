import { batch, mapAsync } from 'edgeflow';
import { dedupe, freshWithin, joinByTime, priority, sampleEvery, splitBy, windowByTime } from 'edgeflow/operators';
import type { TimeWindow, Unmatched } from 'edgeflow/operators';
import { checkNoLoss } from 'edgeflow/testing';
import fc from 'fast-check';
import { EMPTY, filter, from, map, partition, scan, share, Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { Deliveries, marbles, turn } from '../flow/support.js';

type Numbers = Observable<number>;
/** Numbers are their own times here. */
const time = (value: number): number => value;
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });
const show = ({ start, values, complete }: TimeWindow<number, unknown>): string => `${start}:${values.join()}${complete ? '' : '…'}`;
const windows = map(show);
const text = map((value: unknown) => JSON.stringify(value));

describe('freshWithin', () => {
  test('passes over what is too old on arrival, and counts it', () => {
    const skipped: number[] = [];
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('   a-b---c-|', { a: 0, b: -50, c: 4 });
      const fresh = freshWithin<number>(10, { time, onSkip: ({ ageMs, skipped: count }) => skipped.push(ageMs, count) });
      expectObservable(source.pipe(fresh)).toBe('a-----c-|', { a: 0, c: 4 });
      expectSubscriptions(source.subscriptions).toBe('^-------!');
    });
    expect(skipped).toEqual([52, 1]);
  });

  test('settles what it passes over; a value without a time fails alone', () => {
    const deliveries = new Deliveries<unknown>();
    deliveries.stream.pipe(freshWithin(10, { clock: { now: () => 100 } })).subscribe();
    deliveries.next({ time: 95 }, { time: 1 }, 'x');
    expect(deliveries.settled).toEqual(['[object Object] ok', '[object Object] ok', 'x failed']);
  });
});

describe('sampleEvery and dedupe', () => {
  test('pass the first of each period, and of each key', () => {
    marbles(({ cold, expectObservable }) => {
      const values = { a: 1, b: 9, c: 12, d: 31, e: 11 };
      expectObservable(cold('abcde|', values).pipe(sampleEvery(10, { time }))).toBe('a-cd-|', values);
      expectObservable(cold('abcde|', values).pipe(dedupe({ by: (value) => value % 10, withinMs: 21, time }))).toBe('abcd-|', values);
      expectObservable(cold('abcde|', values).pipe(dedupe({ by: (value) => value % 10 }))).toBe('abc--|', values);
    });
  });

  test('a message that failed and comes again is passed again, by dedupe as by sampleEvery', async () => {
    const inputs = fc.nat({ max: 5 });
    const work = (mayFail: () => void) => mapAsync((value: number) => (mayFail(), value));
    // Of equal numbers the first passes: each number that came comes out unless it is dead-lettered.
    await checkNoLoss((input: Numbers, { mayFail }) => input.pipe(dedupe({ by: (value) => value }), work(mayFail)), { inputs, runs: 15 });
    await checkNoLoss((input: Numbers, { mayFail }) => input.pipe(sampleEvery(1, { time }), work(mayFail)), { inputs, runs: 15 });
    const deliveries = new Deliveries<number>();
    let failing = true;
    const seen: number[] = [];
    deliveries.stream
      .pipe(
        dedupe({ by: () => 'one' }),
        mapAsync((value) => {
          if (failing) throw new Error('no');
          seen.push(value);
        }),
      )
      .subscribe();
    deliveries.next(1, 2);
    await turn();
    failing = false;
    deliveries.next(1);
    await turn();
    expect(seen).toEqual([1]);
    expect(deliveries.settled).toEqual(['1 failed', '2 ok', '1 ok']);
  });
});

describe('windowByTime', () => {
  test('collects by event time; emits the rest at the end, and when nothing comes', () => {
    marbles(({ cold, expectObservable }) => {
      const values = { a: 0, b: 3, c: 4, d: 9 };
      expectObservable(cold('ab-c-d|', values).pipe(windowByTime({ ms: 4, time }), windows)).toBe('---w-x(y|)', {
        w: '0:0,3',
        x: '4:4',
        y: '8:9…',
      });
      expectObservable(cold('ab----|', values).pipe(windowByTime({ ms: 4, time, idleMs: 2 }), windows)).toBe('---w--|', { w: '0:0,3…' });
      expectObservable(cold('a--#', values).pipe(windowByTime({ ms: 4, time }), windows)).toBe('---#');
    });
  });

  test('slides, splits by a key, waits for late values and reports those that are too late', () => {
    const late: number[] = [];
    const seen: string[] = [];
    const stream = from([0, 5, 12, 9, 31, 2]);
    stream.pipe(windowByTime({ ms: 10, latenessMs: 5, time, onLate: (value) => late.push(value) })).subscribe((w) => seen.push(show(w)));
    expect(seen).toEqual(['0:0,5,9', '10:12', '30:31…']);
    expect(late).toEqual([2]);
    const apart: string[] = [];
    const values = new Subject<number>();
    values.pipe(windowByTime({ ms: 5, everyMs: 10, time })).subscribe((w) => apart.push(show(w)));
    for (const value of [1, 7]) values.next(value);
    expect(apart).toEqual(['0:1']);
    const sliding: string[] = [];
    from([0, 5, 12])
      .pipe(windowByTime({ ms: 10, everyMs: 5, time, by: (value) => value % 2 }))
      .subscribe((w) => sliding.push(`${w.key} ${show(w)}`));
    expect(sliding).toEqual(['0 -5:0', '0 0:0', '1 0:5', '1 5:5…', '0 5:12…', '0 10:12…']);
  });

  test('a window whose work failed is the same window when its messages come again', async () => {
    const deliveries = new Deliveries<number>();
    let failing = true;
    const seen: string[] = [];
    const work = mapAsync((window: TimeWindow<number>) => {
      if (failing) throw new Error('no');
      seen.push(show(window));
    });
    deliveries.stream.pipe(windowByTime({ ms: 10, time }), work).subscribe();
    deliveries.next(1, 2, 11);
    await turn();
    expect(deliveries.settled).toEqual(['1 failed', '2 failed']);
    failing = false;
    deliveries.next(2, 12, 1);
    await turn();
    expect(seen).toEqual(['0:1,2']);
    expect(deliveries.settled.slice(2)).toEqual(['1 ok', '2 ok']);
    expect(deliveries.parked).toBe(2);
  });

  test('loses nothing, and is bounded', async () => {
    await checkNoLoss(
      (input: Numbers, { mayFail }) =>
        input.pipe(
          windowByTime({ ms: 20, everyMs: 10, time, idleMs: 3, latenessMs: 30 }),
          mapAsync((window) => (mayFail(), window.values)),
        ),
      { runs: 15, inputs: fc.nat({ max: 100 }) },
    );
    const seen: string[] = [];
    const endless = new Subject<number>();
    endless.pipe(windowByTime({ ms: 10, latenessMs: 1e6, maxPending: 3, time })).subscribe((w) => seen.push(show(w)));
    for (let value = 0; value < 40; value += 5) endless.next(value);
    expect(seen).toEqual(['0:0,5…', '10:10,15…', '20:20,25…']);
  });
});

describe('joinByTime', () => {
  test('takes the nearest within the tolerance, as soon as none can be nearer', () => {
    const alone: string[] = [];
    const note = ({ input, value, reason }: Unmatched<number>): void => void alone.push(`${input} ${value} ${reason}`);
    marbles(({ cold, expectObservable }) => {
      const camera = cold('a--b--c--d--|', { a: 0, b: 33, c: 66, d: 100 });
      const radar = cold(' -x-------y--z|', { x: 2, y: 100, z: 500 });
      expectObservable(joinByTime({ camera, radar }, { toleranceMs: 20, time, onUnmatched: note }).pipe(text)).toBe('---p-----q---|', {
        p: '{"camera":0,"radar":2}',
        q: '{"camera":100,"radar":100}',
      });
    });
    expect(alone).toEqual(['camera 33 unmatched', 'camera 66 unmatched', 'radar 500 unmatched']);
  });

  test('does not depend on which input was faster, and settles all that was accepted', () => {
    const times = fc.uniqueArray(fc.nat({ max: 200 }), { maxLength: 20 }).map((all) => all.toSorted((a, b) => a - b));
    const run = (left: readonly number[], right: readonly number[], order: readonly boolean[]): string[] => {
      const [a, b] = [new Deliveries<number>(), new Deliveries<number>()];
      const pairs: string[] = [];
      const unmatched: string[] = [];
      const onUnmatched = ({ input, value }: Unmatched<number>): void => void unmatched.push(`${input} ${value}`);
      const options = { toleranceMs: 15, time, onUnmatched };
      joinByTime({ a: a.stream, b: b.stream }, options).subscribe((pair) => pairs.push(JSON.stringify(pair)));
      const [lefts, rights] = [[...left], [...right]];
      for (const goesLeft of order) (goesLeft ? a : b).next(...(goesLeft ? lefts : rights).splice(0, 1));
      a.next(...lefts);
      b.next(...rights);
      a.input.complete();
      b.input.complete();
      expect(a.settled).toHaveLength(left.length);
      expect(b.settled).toHaveLength(right.length);
      expect(2 * pairs.length + unmatched.length).toBe(left.length + right.length);
      return [...pairs, ...unmatched.sort()];
    };
    fc.assert(
      fc.property(times, times, fc.array(fc.boolean(), { maxLength: 40 }), (left, right, order) => {
        expect(run(left, right, order)).toEqual(run(left, right, []));
      }),
      { numRuns: 60 },
    );
  });

  test('a joined value that failed is joined again; late and surplus values are let go', async () => {
    const [a, b] = [new Deliveries<number>(), new Deliveries<number>()];
    const seen: string[] = [];
    const alone: string[] = [];
    let failing = true;
    const onUnmatched = ({ value, reason }: Unmatched<number>): void => void alone.push(`${value} ${reason}`);
    joinByTime({ a: a.stream, b: b.stream }, { toleranceMs: 5, time, maxPending: 2, onUnmatched })
      .pipe(
        mapAsync((pair) => {
          if (failing) throw new Error('no');
          seen.push(JSON.stringify(pair));
        }),
      )
      .subscribe();
    a.next(10);
    b.next(10);
    await turn();
    failing = false;
    a.next(20, 10);
    b.next(10, 3);
    await turn();
    expect(seen).toEqual(['{"a":10,"b":10}']);
    a.next(30, 40);
    expect(alone).toEqual(['3 late', '20 full']);
    expect([a.settled, b.settled, a.parked]).toEqual([['10 failed', '10 ok', '20 ok'], ['10 failed', '3 ok', '10 ok'], 2]);
  });

  test('an input that is silent is not waited for, and unsubscribing leaves deliveries open', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const [a, b] = [cold('a----', { a: 10 }), cold('-b---', { b: 12 })];
      expectObservable(joinByTime({ a, b }, { toleranceMs: 5, time, idleMs: 4 }).pipe(text)).toBe('----p', { p: '{"a":10,"b":12}' });
      flush();
    });
  });

  test('loses nothing', () =>
    checkNoLoss(
      (input: Numbers, { mayFail }) => {
        const [even, odd] = partition(input.pipe(share()), (value) => value % 2 === 0);
        return joinByTime({ even, odd }, { toleranceMs: 30, time, latenessMs: 100, idleMs: 3 }).pipe(mapAsync((pair) => (mayFail(), pair)));
      },
      { runs: 15, inputs: fc.nat({ max: 60 }) },
    ));
});

describe('priority', () => {
  test('passes at once what is not waited for', () => {
    marbles(({ cold, expectObservable }) => {
      const [high, low] = [cold('--h----|'), cold('lmn----|')];
      expectObservable(priority([high, low])).toBe('lm(hn)-|');
      expectObservable(priority([cold('-#'), cold('l--|')])).toBe('l#');
    });
  });

  test('hands out one at a time, the urgent first, and settles each', async () => {
    const [high, low] = [new Deliveries<string>(), new Deliveries<string>()];
    const seen: string[] = [];
    priority([high.stream, low.stream])
      .pipe(mapAsync(async (value) => (await turn(), seen.push(value))))
      .subscribe();
    low.next('a', 'b', 'c');
    high.next('H');
    for (let count = 0; count < 12; count++) await turn();
    expect(seen).toEqual(['a', 'H', 'b', 'c']);
    expect([...low.settled, ...high.settled]).toEqual(['a ok', 'b ok', 'c ok', 'H ok']);
  });

  test('loses nothing, also where a batch waits behind it', async () => {
    const halves = (input: Numbers): Numbers[] => {
      const shared = input.pipe(share());
      return [0, 1].map((rest) => shared.pipe(filter((value) => value % 2 === rest)));
    };
    await checkNoLoss((input: Numbers, { mayFail }) => priority(halves(input)).pipe(mapAsync((value) => (mayFail(), value))), { runs: 15 });
    await checkNoLoss((input: Numbers) => priority(halves(input), { concurrency: 2 }).pipe(batch(3)), { runs: 10 });
  });
});

describe('splitBy', () => {
  const sums = splitBy(
    (value: number) => value % 2,
    (stream, key) =>
      stream.pipe(
        scan((sum, value) => sum + value),
        map((sum) => `${key}:${sum}`),
      ),
  );

  test('gives each key a state of its own', () => {
    marbles(({ cold, expectObservable }) => {
      const values = { a: 1, b: 2, c: 3, d: 4 };
      expectObservable(cold('abcd|', values).pipe(sums)).toBe('wxyz|', { w: '1:1', x: '0:2', y: '1:4', z: '0:6' });
      expectObservable(cold('a-#', values).pipe(sums)).toBe('w-#', { w: '1:1' });
    });
  });

  test('completes the stream that was longest without a value when there are too many', () => {
    const seen: string[] = [];
    from([1, 2, 1, 3, 2])
      .pipe(
        splitBy(
          (value) => value,
          (stream) =>
            stream.pipe(
              batch(2),
              map((values) => values.join()),
            ),
          { maxStreams: 2 },
        ),
      )
      .subscribe((value) => seen.push(value));
    expect(seen.toSorted()).toEqual(['1,1', '2', '2', '3']);
  });

  test('keeps deliveries, and loses nothing', () =>
    checkNoLoss(
      (input: Numbers, { mayFail }) =>
        input.pipe(
          splitBy(
            (value) => value % 3,
            (stream) =>
              stream.pipe(
                mapAsync((value) => (mayFail(), value)),
                batch(2, { maxWaitMs: 2 }),
              ),
          ),
        ),
      { runs: 15 },
    ));
});

describe('what cannot be used fails its own delivery, and the stream goes on', () => {
  type Value = { readonly time?: number; readonly key?: string } | null;
  type Operator = (values: Observable<Value>) => Observable<unknown>;
  const key = (value: Value): string => {
    if (value?.key === undefined) throw new Error('there is no key');
    return value.key;
  };
  const good = { time: 1, key: 'a' };

  test.each<[string, Operator]>([
    ['freshWithin', freshWithin(10, { clock: { now: () => 5 } })],
    ['sampleEvery', sampleEvery(10)],
    ['dedupe', dedupe({ by: key, withinMs: 10 })],
    ['windowByTime', windowByTime({ ms: 10 })],
    ['joinByTime', (values) => joinByTime({ values, none: EMPTY }, { toleranceMs: 5 })],
  ])('%s: a value without a time', async (_, operator) => {
    const deliveries = new Deliveries<Value>();
    deliveries.stream.pipe(operator).subscribe();
    deliveries.next({ ...good, time: NaN }, { key: 'a' }, null, good);
    deliveries.input.complete();
    await turn();
    expect(deliveries.settled.filter((text) => text.endsWith('failed'))).toHaveLength(3);
    expect(deliveries.settled.at(-1)).toBe('[object Object] ok');
  });

  test.each<[string, Operator]>([
    ['dedupe: by', dedupe({ by: key })],
    ['windowByTime: by', windowByTime({ ms: 10, by: key })],
    ['splitBy: by', splitBy(key, (stream) => stream)],
    ['freshWithin: onSkip', freshWithin(0.5, { clock: { now: () => 5 }, onSkip: ({ value }) => key(value) })],
  ])('%s throws', async (_, operator) => {
    const deliveries = new Deliveries<Value>();
    deliveries.stream.pipe(operator).subscribe();
    deliveries.next({ time: 1 }, good);
    deliveries.input.complete();
    await turn();
    expect(deliveries.settled).toEqual(['[object Object] failed', '[object Object] ok']);
  });
});

test.each<[string, () => unknown]>([
  ['freshWithin', () => freshWithin(0)],
  ['sampleEvery', () => sampleEvery(Number.NaN)],
  ['dedupe', () => dedupe({ by: String, maxKeys: 0 })],
  ['windowByTime', () => windowByTime({ ms: -1 })],
  ['windowByTime', () => windowByTime({ ms: Infinity })],
  ['windowByTime', () => windowByTime({ ms: 1_000, everyMs: Infinity })],
  ['windowByTime', () => windowByTime({ ms: 1e12, everyMs: 1 })],
  ['joinByTime', () => joinByTime({ only: from([1]) }, { toleranceMs: 1 })],
  ['priority', () => priority([])],
  ['splitBy', () => splitBy(String, (stream) => stream, { maxStreams: 0.5 })],
])('%s refuses options that it cannot use', (_, make) => {
  expect(make).toThrow(code('OPTIONS_INVALID'));
});
