import { batch, fromPull, mapAsync, MemoryBroker, toBroker } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { filter, lastValueFrom, mergeMap, of, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
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
  await until('the next is asked for', () => asked.length > 1);
  expect(asked).toEqual([0, 1]);
});

test('lets as many values be open as concurrency says', async () => {
  const asked: number[] = [];
  fromPull(() => numbers(9, asked), { concurrency: 3 })
    .pipe(mapAsync(() => new Promise(() => undefined)))
    .subscribe();
  await until('so many are asked for', () => asked.length > 2);
  await turn();
  expect(asked).toEqual([0, 1, 2]);
});

test('an iterable that never waits leaves timers their turn', async () => {
  let last = 0;
  const subscription = fromPull(() => numbers(20_000_000)).subscribe((number) => (last = number));
  await new Promise((resolve) => setTimeout(resolve, 1));
  subscription.unsubscribe();
  expect(last).toBeGreaterThan(0);
  expect(last).toBeLessThan(19_999_999);
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

describe('values that are named by id', () => {
  const named = { id: (number: number) => `n-${number}` };
  const published = async (broker: MemoryBroker): Promise<number | undefined> =>
    (await broker.stats()).find(({ topic }) => topic === 'numbers')?.published;

  test('are published once, although a restarted source yields them again', async () => {
    const broker = new MemoryBroker();
    await broker.declare({ topic: 'numbers', groups: ['all'] });
    for (const count of [3, 5]) await lastValueFrom(fromPull(() => numbers(count), named).pipe(toBroker('numbers', { broker })));
    const popped = await broker.pop('numbers', { group: 'all', consumer: 'a', count: 9, waitMs: 0 });
    expect(popped.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4].map((number) => `n-${number}>numbers.0`));
  });

  test('give each message that answers one of them an id of its own', async () => {
    const broker = new MemoryBroker();
    const stream = fromPull(() => numbers(3), named).pipe(
      filter((number) => number !== 1),
      mergeMap((number) => of(number, -number)),
      toBroker('numbers', { broker }),
    );
    await lastValueFrom(stream);
    await lastValueFrom(stream);
    expect(await published(broker)).toBe(4);
  });

  test('without a name, what is yielded again is published again', async () => {
    const broker = new MemoryBroker();
    for (const count of [3, 5]) await lastValueFrom(fromPull(() => numbers(count)).pipe(toBroker('numbers', { broker })));
    expect(await published(broker)).toBe(8);
  });

  test('an id that throws or names nothing is the error of the stream, and closes the iterator', async () => {
    const failures: [id: () => string, error: unknown][] = [
      [() => '', expect.objectContaining({ code: 'OPTIONS_INVALID' })],
      [() => JSON.parse('no name') as string, expect.any(SyntaxError)],
    ];
    for (const [id, error] of failures) {
      const asked: number[] = [];
      await expect(lastValueFrom(fromPull(() => numbers(3, asked), { id }))).rejects.toEqual(error);
      expect(asked).toEqual([0]);
    }
  });
});
