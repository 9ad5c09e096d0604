import { batch, mapAsync } from 'edgeflow';
import { lastValueFrom, map, of, pipe } from 'rxjs';
import { expect, test } from 'vitest';
import { Deliveries, marbles, turn } from './support.js';

const joined = map((values: string[]) => values.join(''));

test('emits full batches, and the rest at the end', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const source = cold('  --a-b-c---d--|');
    expectObservable(source.pipe(batch(3), joined)).toBe('------x------(y|)', { x: 'abc', y: 'd' });
    expectSubscriptions(source.subscriptions).toBe('^------------!');
  });
});

test('emits a batch that is not full when its first value has waited maxWaitMs', () => {
  marbles(({ cold, expectObservable }) => {
    const source = cold('  --a--b--------c-|');
    expectObservable(source.pipe(batch(3, { maxWaitMs: 5 }), joined)).toBe('-------x--------(y|)', { x: 'ab', y: 'c' });
  });
});

test('passes errors on, without the values that waited', () => {
  marbles(({ cold, expectObservable }) => {
    expectObservable(cold('-a-#').pipe(batch(3), joined)).toBe('---#');
  });
});

test('a batch of a plain stream that fails further on is the error of the stream, also when the batches have come to their end', async () => {
  const fails = mapAsync(async (values: number[]) => {
    await turn();
    if (values.includes(3)) throw new Error('three');
    return values;
  });
  for (const size of [1, 2, 3, 4])
    for (const behind of [
      fails,
      pipe(fails, fails),
      pipe(
        batch<number[]>(1),
        map(([values = []]) => values),
        fails,
      ),
    ])
      await expect(lastValueFrom(of(1, 2, 3).pipe(batch(size), behind))).rejects.toThrow('three');
});

test('unsubscribing ends the wait and leaves the deliveries open', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const source = cold('  --a-----');
    expectObservable(source.pipe(batch(3, { maxWaitMs: 5 }), joined), '^---!').toBe('-----');
    expectSubscriptions(source.subscriptions).toBe('^---!');
  });
  const deliveries = new Deliveries<string>();
  const subscription = deliveries.stream.pipe(batch(3)).subscribe();
  deliveries.next('a');
  subscription.unsubscribe();
  expect(deliveries.settled).toEqual([]);
});

test('the deliveries of a batch are parked while it waits, and settle together', () => {
  const deliveries = new Deliveries<string>();
  deliveries.stream.pipe(batch(2)).subscribe();
  deliveries.next('a');
  expect(deliveries.parked).toBe(1);
  expect(deliveries.settled).toEqual([]);
  deliveries.next('b');
  expect(deliveries.parked).toBe(0);
  expect(deliveries.settled).toEqual(['a ok', 'b ok']);
});

test('a batch that waits in another batch parks what it stands for', () => {
  const deliveries = new Deliveries<string>();
  deliveries.stream.pipe(batch(2), batch(2)).subscribe();
  deliveries.next('a', 'b', 'c');
  expect(deliveries.parked).toBe(3);
  deliveries.next('d');
  expect(deliveries.settled).toHaveLength(4);
});

test('the deliveries of a batch fail together', async () => {
  const deliveries = new Deliveries<string>();
  const failing = mapAsync(() => Promise.reject(new Error('no')));
  deliveries.stream.pipe(batch(2), failing).subscribe();
  deliveries.next('a', 'b');
  await turn();
  expect(deliveries.settled).toEqual(['a failed', 'b failed']);
});

test.each([[0], [1.5], [Number.NaN]])('a size of %d is refused', (size) => {
  expect(() => batch(size)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});

test.each([[0], [-1], [Number.NaN]])('a wait of %d ms is refused', (maxWaitMs) => {
  expect(() => batch(2, { maxWaitMs })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});
