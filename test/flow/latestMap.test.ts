import { latestMap } from 'edgeflow';
import { lastValueFrom, of } from 'rxjs';
import { expect, test } from 'vitest';
import { Deliveries, turn } from './support.js';

interface Work {
  readonly value: string;
  readonly signal: AbortSignal;
  readonly finish: (result: string) => void;
  readonly fail: (error: Error) => void;
}

function controlled() {
  const deliveries = new Deliveries<string>();
  const works: Work[] = [];
  const out: string[] = [];
  const stream = deliveries.stream.pipe(
    latestMap(
      (value, { signal }) =>
        new Promise<string>((finish, fail) => {
          works.push({ value, signal, finish, fail });
        }),
    ),
  );
  return { deliveries, works, out, stream };
}

test('works on one value at a time, then on the newest; a replaced one settles at once', async () => {
  const { deliveries, works, out, stream } = controlled();
  stream.subscribe((value) => out.push(value));
  deliveries.next('a', 'b', 'c');
  expect(works.map(({ value }) => value)).toEqual(['a']);
  expect(deliveries.settled).toEqual(['b ok']);
  works[0]?.finish('A');
  await turn();
  expect(works.map(({ value }) => value)).toEqual(['a', 'c']);
  expect(deliveries.settled).toEqual(['b ok', 'a ok']);
  works[1]?.finish('C');
  await turn();
  expect(out).toEqual(['A', 'C']);
});

test('completes when the last work is done', async () => {
  const { deliveries, works, stream } = controlled();
  let completed = false;
  stream.subscribe({ complete: () => (completed = true) });
  deliveries.next('a', 'b');
  deliveries.input.complete();
  works[0]?.finish('A');
  await turn();
  expect(completed).toBe(false);
  works[1]?.finish('B');
  await turn();
  expect(completed).toBe(true);
});

test('a failure is the delivery’s, and the next value comes', async () => {
  const { deliveries, works, stream } = controlled();
  stream.subscribe();
  deliveries.next('a', 'b');
  works[0]?.fail(new Error('no'));
  await turn();
  expect(deliveries.settled).toEqual(['a failed']);
  expect(works).toHaveLength(2);
});

test('a failure in a plain stream is the stream’s, and no more work begins', async () => {
  let calls = 0;
  const failing = of(1, 2).pipe(
    latestMap(() => {
      calls++;
      return Promise.reject(new Error('plain'));
    }),
  );
  await expect(lastValueFrom(failing)).rejects.toThrow('plain');
  expect(calls).toBe(1);
});

test('nothing happens before subscribe; unsubscribing aborts the signal and leaves the delivery open', async () => {
  const { deliveries, works, out, stream } = controlled();
  expect(deliveries.input.observed).toBe(false);
  const subscription = stream.subscribe((value) => out.push(value));
  deliveries.next('a');
  subscription.unsubscribe();
  expect(works[0]?.signal.aborted).toBe(true);
  expect(deliveries.input.observed).toBe(false);
  works[0]?.finish('A');
  await turn();
  expect([out, deliveries.settled]).toEqual([[], []]);
});
