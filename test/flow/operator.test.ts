import { leasingOperator } from 'edgeflow';
import type { Lease } from 'edgeflow';
import { of, range, take } from 'rxjs';
import { expect, test } from 'vitest';
import { Deliveries, marbles } from './support.js';

const passing = <T>() =>
  leasingOperator<T, T>('passing', (output) => ({
    next: (value, lease) => {
      output.next(value);
      lease.release();
    },
  }));

test('passes values, errors and the end', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const source = cold('-a-b-|');
    expectObservable(source.pipe(passing())).toBe('-a-b-|');
    expectObservable(cold('-a-#').pipe(passing())).toBe('-a-#');
    expectSubscriptions(source.subscriptions).toBe('^----!');
  });
});

test('a delivery settles once, when the last of its leases has ended, and fails when one did', () => {
  const leases: Lease[] = [];
  const keep = leasingOperator<string, string>('keep', (output) => ({
    next: (value, lease) => {
      leases.push(lease);
      lease.run(() => output.next(value));
    },
  }));
  const deliveries = new Deliveries<string>();
  deliveries.stream.pipe(keep, keep).subscribe();
  deliveries.next('a');
  const [first, second] = leases;
  first?.fail(new Error('first'));
  first?.release();
  expect(deliveries.settled).toEqual([]);
  second?.release();
  second?.release();
  expect(deliveries.settled).toEqual(['a failed']);
});

test('runs the teardown once, however the output ends', () => {
  let teardowns = 0;
  const counted = leasingOperator<number, number>('counted', (output) => ({
    next: (value) => output.next(value),
    teardown: () => teardowns++,
  }));
  of(1).pipe(counted).subscribe();
  range(0, Infinity).pipe(counted, take(1)).subscribe();
  new Deliveries<number>().stream.pipe(counted).subscribe().unsubscribe();
  expect(teardowns).toBe(3);
});

test('a value outside any delivery is LEASE_ESCAPED where deliveries feed the pipeline', () => {
  const deliveries = new Deliveries<string>();
  let error: unknown;
  deliveries.stream.pipe(passing()).subscribe({ error: (cause: unknown) => (error = cause) });
  deliveries.input.next('escaped');
  expect(error).toMatchObject({ code: 'LEASE_ESCAPED', message: expect.stringContaining('passing') as string });
});
