import { detached, mapAsync } from 'edgeflow';
import { concat, merge, NEVER, of, range, take, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { currentDelivery } from '#src/flow/delivery.js';
import { Deliveries, marbles, turn } from './support.js';

test('emits every value of the source, each in a delivery of its own', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const source = cold('-a-b-|');
    expectObservable(source.pipe(detached())).toBe('-a-b-|');
    expectSubscriptions(source.subscriptions).toBe('^----!');
    expectObservable(cold('-a-#').pipe(detached())).toBe('-a-#');
  });
  const seen: unknown[] = [];
  of(1, 2)
    .pipe(detached())
    .subscribe(() => seen.push(currentDelivery()));
  expect(new Set(seen).size).toBe(2);
  expect(seen).not.toContain(undefined);
});

test('lets values of no delivery join those that have one', async () => {
  const deliveries = new Deliveries<string>();
  const seen: string[] = [];
  merge(deliveries.stream, of('plain').pipe(detached()))
    .pipe(mapAsync((value) => value))
    .subscribe((value) => seen.push(value));
  deliveries.next('a');
  await turn();
  expect(seen).toEqual(['plain', 'a']);
  expect(deliveries.settled).toEqual(['a ok']);
});

test('a failure of the work on a value is the stream’s', async () => {
  let error: unknown;
  const failing = mapAsync(() => Promise.reject(new Error('nobody')));
  concat(of(1), NEVER)
    .pipe(detached(), failing)
    .subscribe({ error: (cause: unknown) => (error = cause) });
  await turn();
  expect(error).toMatchObject({ message: 'nobody' });
});

test('ends a source that emits without end while it is subscribed', () => {
  let values: number[] = [];
  range(0, Infinity)
    .pipe(detached(), take(2), toArray())
    .subscribe((all) => (values = all));
  expect(values).toEqual([0, 1]);
});
