import { batch, fromPull, mapAsync } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { lastValueFrom, take, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { turn } from './support.js';

async function* numbers(count: number, asked: number[] = []): AsyncGenerator<number> {
  for (let number = 0; number < count; number++) {
    asked.push(number);
    yield number;
  }
}

test('asks for the next value when an earlier one has settled', async () => {
  const asked: number[] = [];
  const finish: (() => void)[] = [];
  const stream = fromPull(() => numbers(3, asked)).pipe(mapAsync(() => new Promise<void>((resolve) => finish.push(resolve))));
  expect(asked).toEqual([]);
  stream.subscribe();
  await turn();
  expect(asked).toEqual([0]);
  finish[0]?.();
  await turn();
  expect(asked).toEqual([0, 1]);
});

test('lets as many values be open as concurrency says', async () => {
  const asked: number[] = [];
  fromPull(() => numbers(9, asked), { concurrency: 3 })
    .pipe(mapAsync(() => new Promise(() => undefined)))
    .subscribe();
  await turn();
  expect(asked).toEqual([0, 1, 2]);
});

test('values that wait in a batch do not hold the source up, and come out at the end', async () => {
  expect(await lastValueFrom(fromPull(() => numbers(7)).pipe(batch(5), toArray()))).toEqual([
    [0, 1, 2, 3, 4],
    [5, 6],
  ]);
});

test('unsubscribing aborts the signal, asks for no more, and closes the iterator', async () => {
  let closed = false;
  let signal: AbortSignal | undefined;
  const asked: number[] = [];
  async function* open(): AsyncGenerator<number> {
    try {
      yield* numbers(9, asked);
    } finally {
      closed = true;
    }
  }
  const subscription = fromPull((context) => {
    ({ signal } = context);
    return open();
  })
    .pipe(mapAsync(() => new Promise(() => undefined)))
    .subscribe();
  await turn();
  subscription.unsubscribe();
  await until('the iterator is closed', () => closed);
  expect([signal?.aborted, asked]).toEqual([true, [0]]);
});

test('take(1) closes the iterator', async () => {
  const asked: number[] = [];
  expect(await lastValueFrom(fromPull(() => numbers(9, asked)).pipe(take(1)))).toBe(0);
  await turn();
  expect(asked).toEqual([0]);
});

test('fails with the error of the iterable, and with that of a value whose work failed', async () => {
  const broken = fromPull<number>(() => {
    throw new Error('no source');
  });
  await expect(lastValueFrom(broken)).rejects.toThrow('no source');
  const failing = fromPull(() => numbers(3)).pipe(mapAsync(() => Promise.reject(new Error('no work'))));
  await expect(lastValueFrom(failing)).rejects.toThrow('no work');
});

test('a concurrency below 1 is refused', () => {
  expect(() => fromPull(() => numbers(1), { concurrency: 0 })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});
