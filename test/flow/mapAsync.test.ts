import { mapAsync } from 'edgeflow';
import type { MapAsyncOptions } from 'edgeflow';
import { from, lastValueFrom, map, of, range, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { currentDelivery } from '#src/flow/delivery.js';
import { Deliveries, turn } from './support.js';

function controlled(options: MapAsyncOptions) {
  const deliveries = new Deliveries<string>();
  const finish = new Map<string, (result: string) => void>();
  const signals: AbortSignal[] = [];
  const out: string[] = [];
  const stream = deliveries.stream.pipe(
    mapAsync((value, { signal }) => {
      signals.push(signal);
      return new Promise<string>((resolve) => finish.set(value, resolve));
    }, options),
  );
  const done = async (value: string) => {
    finish.get(value)?.(value.toUpperCase());
    await turn();
  };
  return { deliveries, finish, signals, out, stream, done };
}

test('runs one call at a time by default', async () => {
  const { deliveries, finish, stream, done } = controlled({});
  stream.subscribe();
  deliveries.next('a', 'b');
  expect([...finish.keys()]).toEqual(['a']);
  await done('a');
  expect([...finish.keys()]).toEqual(['a', 'b']);
});

test('results keep the order of their values; a delivery settles when its result is out', async () => {
  const { deliveries, out, stream, done } = controlled({ concurrency: 2 });
  stream.subscribe((value) => out.push(value));
  deliveries.next('a', 'b', 'c');
  await done('b');
  expect([out, deliveries.settled]).toEqual([[], []]);
  await done('a');
  expect([out, deliveries.settled]).toEqual([
    ['A', 'B'],
    ['a ok', 'b ok'],
  ]);
});

test('unordered results come as they are done', async () => {
  const { deliveries, out, stream, done } = controlled({ concurrency: 2, ordered: false });
  stream.subscribe((value) => out.push(value));
  deliveries.next('a', 'b');
  await done('b');
  expect([out, deliveries.settled]).toEqual([['B'], ['b ok']]);
});

test('completes when the last work is done', async () => {
  const { deliveries, stream, done } = controlled({});
  let completed = false;
  stream.subscribe({ complete: () => (completed = true) });
  deliveries.next('a');
  deliveries.input.complete();
  expect(completed).toBe(false);
  await done('a');
  expect(completed).toBe(true);
});

test('unsubscribing aborts the signal, lets go of the source, and leaves deliveries open', async () => {
  const { deliveries, signals, out, stream, done } = controlled({});
  expect(deliveries.input.observed).toBe(false);
  const subscription = stream.subscribe((value) => out.push(value));
  deliveries.next('a', 'b');
  subscription.unsubscribe();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(deliveries.input.observed).toBe(false);
  await done('a');
  expect([signals.length, out, deliveries.settled]).toEqual([1, [], []]);
});

test('calls the work inside the delivery of its value, also when it had to wait', async () => {
  const deliveries = new Deliveries<string>();
  const ids: unknown[] = [];
  deliveries.stream.pipe(mapAsync(() => Promise.resolve(ids.push(currentDelivery()?.id)))).subscribe();
  deliveries.next('a', 'b');
  await turn();
  expect(ids).toEqual(['a', 'b']);
});

describe('a failure', () => {
  test.each([
    [
      'thrown',
      () => {
        throw new Error('no');
      },
    ],
    ['rejected', () => Promise.reject(new Error('no'))],
  ])('that is %s is the delivery’s, and the stream goes on', async (_, failing) => {
    const deliveries = new Deliveries<string>();
    const out: string[] = [];
    const work = mapAsync((value: string): string | Promise<string> => (value === 'a' ? failing() : value));
    deliveries.stream.pipe(work).subscribe((value) => out.push(value));
    deliveries.next('a', 'b');
    await turn();
    expect([out, deliveries.settled]).toEqual([['b'], ['a failed', 'b ok']]);
  });

  test('in a plain stream is the stream’s, and no more work begins', async () => {
    let calls = 0;
    const failing = of(1, 2).pipe(
      mapAsync(() => {
        calls++;
        throw new Error('plain');
      }),
    );
    await expect(lastValueFrom(failing)).rejects.toThrow('plain');
    await turn();
    expect(calls).toBe(1);
  });

  test('of a synchronous operator after it fails the delivery too', async () => {
    const deliveries = new Deliveries<string>();
    const throwing = map((): string => {
      throw new Error('map');
    });
    deliveries.stream
      .pipe(
        mapAsync((value) => value),
        throwing,
      )
      .subscribe({ error: () => undefined });
    deliveries.next('a');
    await turn();
    expect(deliveries.settled).toEqual(['a failed']);
  });
});

test('take(1) after it: the value taken is settled, the rest is left open', async () => {
  const deliveries = new Deliveries<string>();
  deliveries.stream
    .pipe(
      mapAsync((value) => value),
      take(1),
    )
    .subscribe();
  deliveries.next('a', 'b');
  await turn();
  expect(deliveries.settled).toEqual(['a ok']);
});

test('ends a source that emits without end while it is subscribed', async () => {
  const broken = range(0, Infinity).pipe(
    take(3),
    mapAsync((value) => value),
    toArray(),
  );
  expect(await lastValueFrom(broken)).toEqual([0, 1, 2]);
  expect(
    await lastValueFrom(
      from([]).pipe(
        mapAsync((value) => value),
        toArray(),
      ),
    ),
  ).toEqual([]);
});

test.each([[0], [-1], [Number.NaN]])('a concurrency of %d is refused', (concurrency) => {
  expect(() => mapAsync((value) => value, { concurrency })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});
