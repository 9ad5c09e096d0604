import { leased, mapAsync } from 'edgeflow';
import { bufferCount, bufferTime, concat, debounceTime, delay, map, NEVER, of } from 'rxjs';
import { expect, test } from 'vitest';
import { Deliveries, marbles, turn } from './support.js';

test('emits what the lifted operator emits', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const source = cold('  --a-b-c-d--|');
    const pairs = source.pipe(
      leased(bufferCount(2)),
      map((values) => values.join('')),
    );
    expectObservable(pairs).toBe('----x---y--|', { x: 'ab', y: 'cd' });
    expectSubscriptions(source.subscriptions).toBe('^----------!');
    expectObservable(cold('a-b-|').pipe(leased(delay(3), { releases: 'one' }))).toBe('---a-(b|)');
    expectObservable(cold('ab----c-|').pipe(leased(debounceTime(3)))).toBe('----b---(c|)');
  });
});

test('holds what goes in until a value comes out', () => {
  const deliveries = new Deliveries<string>();
  deliveries.stream.pipe(leased(bufferCount(2))).subscribe();
  deliveries.next('a');
  expect([deliveries.settled, deliveries.parked]).toEqual([[], 1]);
  deliveries.next('b');
  expect([deliveries.settled, deliveries.parked]).toEqual([['a ok', 'b ok'], 0]);
});

test("releases: 'one' gives each value that comes out the first delivery inside", () => {
  marbles(({ cold, flush }) => {
    const deliveries = new Deliveries<string>();
    const seen: string[][] = [];
    deliveries.stream.pipe(leased(delay(3), { releases: 'one' })).subscribe(() => seen.push([...deliveries.settled]));
    cold('ab').subscribe((value) => deliveries.next(value));
    flush();
    expect(seen).toEqual([[], ['a ok']]);
    expect(deliveries.settled).toEqual(['a ok', 'b ok']);
  });
});

test('settles what is still inside when the operator completes', () => {
  const deliveries = new Deliveries<string>();
  deliveries.stream.pipe(leased(bufferCount(2, 2))).subscribe();
  deliveries.next('a');
  deliveries.input.complete();
  expect(deliveries.settled).toEqual(['a ok']);
});

test('an error of the lifted operator fails what is inside, and the stream', () => {
  const deliveries = new Deliveries<string>();
  let error: unknown;
  const throwing = map(() => {
    throw new Error('lifted');
  });
  deliveries.stream.pipe(leased(throwing)).subscribe({ error: (cause: unknown) => (error = cause) });
  deliveries.next('a');
  expect(deliveries.settled).toEqual(['a failed']);
  expect(error).toMatchObject({ message: 'lifted' });
});

test('a failure of a value that stands for no delivery is the stream’s', async () => {
  const deliveries = new Deliveries<string>();
  let error: unknown;
  const failing = mapAsync(() => Promise.reject(new Error('of nothing')));
  deliveries.stream
    .pipe(
      leased(() => concat(of('made up'), NEVER)),
      failing,
    )
    .subscribe({ error: (cause: unknown) => (error = cause) });
  await turn();
  expect(error).toMatchObject({ message: 'of nothing' });
});

test('unsubscribing unsubscribes the lifted operator and leaves the deliveries open', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const source = cold('a-------');
    expectObservable(source.pipe(leased(bufferTime(5))), '^--!').toBe('----');
    expectSubscriptions(source.subscriptions).toBe('^--!');
  });
  const deliveries = new Deliveries<string>();
  const subscription = deliveries.stream.pipe(leased(bufferCount(2))).subscribe();
  deliveries.next('a');
  subscription.unsubscribe();
  expect(deliveries.settled).toEqual([]);
});
