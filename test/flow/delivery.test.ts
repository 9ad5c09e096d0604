import {
  batch,
  detached,
  EdgeFlowError,
  fromBroker,
  latestMap,
  leased,
  mapAsync,
  MemoryBroker,
  QoS,
  subscriptionsClosed,
  toBroker,
  topic,
} from 'edgeflow';
import type { FromBrokerOptions, Topic } from 'edgeflow';
import { until } from 'edgeflow/testing';
import {
  bufferCount,
  Subject,
  debounceTime,
  delay,
  distinctUntilChanged,
  filter,
  from,
  interval,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  scan,
  take,
  takeUntil,
  tap,
  toArray,
} from 'rxjs';
import type { OperatorFunction, Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

const numbers = topic<number>('numbers');
let broker: MemoryBroker;
let ended: Subject<void>;

beforeEach(() => {
  broker = new MemoryBroker();
  ended = new Subject();
});
afterEach(async () => {
  ended.next();
  await subscriptionsClosed();
  await broker.close();
});

/** `fromBroker` that ends with the test. */
function read<T>(from: Topic<T>, qos: QoS, options: FromBrokerOptions): Observable<T> {
  return fromBroker(from, qos, options).pipe(takeUntil(ended));
}

async function publish(values: readonly number[]): Promise<void> {
  await lastValueFrom(from(values).pipe(toBroker(numbers, { broker })), { defaultValue: 0 });
}

async function group() {
  const stats = await broker.stats();
  return stats.find(({ topic: name }) => name === 'numbers')?.groups.g ?? { acked: -1, dead: -1, open: -1, unread: -1, published: -1 };
}

/** Publishes 0…count-1 and runs a pipeline on them until every one is settled. */
async function settleAll<R>(count: number, pipeline: OperatorFunction<number, R>, options: FromBrokerOptions = {}): Promise<R[]> {
  await broker.declare({ topic: 'numbers', groups: ['g'] });
  const out: R[] = [];
  const errors: unknown[] = [];
  const subscription = read(numbers, QoS.DURABLE, { broker, group: 'g', ...options })
    .pipe(pipeline)
    .subscribe({ next: (value) => out.push(value), error: (error: unknown) => errors.push(error) });
  await publish(Array.from({ length: count }, (_, index) => index));
  await until('every delivery is settled', async () => {
    if (errors.length > 0) throw errors[0];
    const { acked, dead } = await group();
    return acked + dead === count;
  });
  subscription.unsubscribe();
  return out;
}

describe('a delivery settles', () => {
  test('when its value was dropped, passed through, or combined by plain operators', async () => {
    const out = await settleAll(200, (source) =>
      source.pipe(
        filter((value) => value % 2 === 0),
        map((value) => value / 10),
        scan((sum, value) => sum + Math.floor(value), 0),
        distinctUntilChanged(),
        tap(),
      ),
    );
    expect(out.at(-1)).toBe(Array.from({ length: 100 }, (_, index) => Math.floor(index / 5)).reduce((sum, value) => sum + value, 0));
    expect(await group()).toMatchObject({ acked: 200, dead: 0, open: 0 });
  });

  test('not before asynchronous work on it is done', async () => {
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    let finish: () => void = () => undefined;
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let started = 0;
    read(numbers, QoS.DURABLE, { broker, group: 'g' })
      .pipe(mapAsync(() => (started++, work)))
      .subscribe();
    await publish([1]);
    await until('the work started', () => started === 1);
    expect(await group()).toMatchObject({ acked: 0, open: 1 });
    finish();
    await until('it is acked', async () => (await group()).acked === 1);
  });

  test('through every operator in a row', async () => {
    const out = await settleAll(100, (source) =>
      source.pipe(
        mapAsync((value) => Promise.resolve(value), { concurrency: 4 }),
        leased(delay(1), { releases: 'one' }),
        batch(7, { maxWaitMs: 5 }),
        mapAsync((values) => values.length),
        toBroker('sizes', { broker }),
      ),
    );
    expect(out.reduce((sum, size) => sum + size, 0)).toBe(100);
  });

  test('in a batch that is larger than the prefetch', async () => {
    const out = await settleAll(100, batch(50), { prefetch: 8 });
    expect(out.map((values) => values.length)).toEqual([50, 50]);
  });

  test('with the value that stands for it, in leased(bufferCount)', async () => {
    expect(await settleAll(30, leased(bufferCount(10)))).toHaveLength(3);
  });

  test('when the next value replaced it, in latestMap', async () => {
    const out = await settleAll(
      50,
      latestMap((value) => new Promise<number>((resolve) => setImmediate(resolve, value))),
    );
    expect(out.at(-1)).toBe(49);
    expect(out.length).toBeLessThan(50);
    expect(out).toEqual([...out].sort((a, b) => a - b));
  });

  test('when debounceTime, lifted, let one value stand for many', async () => {
    expect(await settleAll(20, leased(debounceTime(5)))).toContain(19);
  });
});

describe('a failure', () => {
  test('of asynchronous work is tried again, and the stream goes on', async () => {
    const failures = new Map<number, number>();
    const out = await settleAll(
      20,
      mapAsync((value) => {
        const before = failures.get(value) ?? 0;
        failures.set(value, before + 1);
        if (value % 5 === 0 && before < 2) throw new Error('not yet');
        return value;
      }),
      { retry: { initialMs: 1 } },
    );
    expect(out.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(await group()).toMatchObject({ acked: 20, dead: 0 });
  });

  test('that goes on ends in the dead letters, once', async () => {
    const work = (value: number): number => {
      if (value === 3) throw new Error('never');
      return value;
    };
    const out = await settleAll(6, mapAsync(work), { retry: { maxDeliveries: 3, initialMs: 1 } });
    expect(out).toEqual([0, 1, 2, 4, 5]);
    expect(await broker.deadLetters('numbers')).toMatchObject([{ attempts: 3, error: 'never', group: 'g' }]);
  });

  test('in a stream that no broker feeds is the stream’s', async () => {
    const failing = from([1, 2]).pipe(
      mapAsync(() => {
        throw new Error('plain');
      }),
    );
    await expect(lastValueFrom(failing)).rejects.toThrow('plain');
  });

  test('to fit the schema goes to the dead letters without another try', async () => {
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    await publish([1, -1, 2]);
    const positive = topic<number>('numbers', { schema: z.number().positive() });
    const out: number[] = [];
    read(positive, QoS.DURABLE, { broker, group: 'g' }).subscribe((value) => out.push(value));
    await until('both good values', () => out.length === 2);
    expect(await broker.deadLetters('numbers')).toMatchObject([
      { attempts: 1, error: expect.stringContaining("topic 'numbers'") as string },
    ]);
  });

  test('to fit the schema on publishing is a VALUE_INVALID', async () => {
    const positive = topic<number>('numbers', { schema: z.number().positive() });
    await expect(lastValueFrom(from([-1]).pipe(toBroker(positive, { broker })))).rejects.toMatchObject({ code: 'VALUE_INVALID' });
  });
});

describe('LEASE_ESCAPED', () => {
  const escape = async (pipeline: OperatorFunction<number, unknown>): Promise<unknown> => {
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    const error = new Promise((resolve) => {
      read(numbers, QoS.DURABLE, { broker, group: 'g' }).pipe(pipeline, toBroker('out', { broker })).subscribe({ error: resolve });
    });
    await publish([1, 2, 3]);
    return error;
  };

  test.each([
    ['mergeMap(async)', mergeMap((value: number) => Promise.resolve(value))],
    ['delay', delay<number>(1)],
    ['merge with a stream of no delivery', (source: Observable<number>) => merge(source, interval(1))],
  ])('%s fails at the first value that escapes', async (_, pipeline) => {
    const error = await escape(pipeline);
    expect(error).toBeInstanceOf(EdgeFlowError);
    expect(error).toMatchObject({ code: 'LEASE_ESCAPED', message: expect.stringContaining('mapAsync') as string });
  });

  test('detached() lets a stream of no delivery join', async () => {
    const out = await settleAll(5, (source) => merge(source, interval(1).pipe(take(3), detached())).pipe(toBroker('out', { broker })));
    expect(out.filter((value) => value < 5).length).toBeGreaterThanOrEqual(5);
  });

  test('a plain stream may publish after raw asynchronous operators', async () => {
    await lastValueFrom(
      from([1, 2]).pipe(
        mergeMap((value) => Promise.resolve(value)),
        toBroker('out', { broker }),
        toArray(),
      ),
    );
    expect((await broker.stats())[0]).toMatchObject({ published: 2 });
  });
});

describe('fromBroker', () => {
  test('REALTIME skips to the newest while the consumer is busy', async () => {
    await broker.declare({ topic: 'numbers', readers: ['r'] });
    const seen: number[] = [];
    let finish: () => void = () => undefined;
    read(numbers, QoS.REALTIME, { broker, group: 'r' })
      .pipe(
        mapAsync((value) => {
          seen.push(value);
          return new Promise<void>((resolve) => {
            finish = resolve;
          });
        }),
      )
      .subscribe();
    await publish([0]);
    await until('the first value is in work', () => seen.length === 1);
    await publish([1, 2, 3]);
    finish();
    await until('the next value is in work', () => seen.length === 2);
    expect(seen).toEqual([0, 3]);
    expect((await broker.stats())[0]?.readers.r).toEqual({ published: 4, delivered: 2, skipped: 2, waiting: 0 });
  });

  test('unsubscribing hands open messages back, to be delivered again', async () => {
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    const first = read(numbers, QoS.DURABLE, { broker, group: 'g' }).pipe(mapAsync(() => new Promise(() => undefined)));
    let received = 0;
    const subscription = first.subscribe();
    await publish([1, 2, 3]);
    await until('all are open', async () => (await group()).open === 3);
    subscription.unsubscribe();
    await subscriptionsClosed();
    read(numbers, QoS.DURABLE, { broker, group: 'g', consumer: 'other' }).subscribe(() => received++);
    await until('all are acked', async () => (await group()).acked === 3);
    expect(received).toBe(3);
  });

  test('stop lets open deliveries settle, flushes batches, and completes', async () => {
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    const stop = new AbortController();
    const batches: number[][] = [];
    const done = new Promise<void>((resolve) => {
      read(numbers, QoS.DURABLE, { broker, group: 'g', stop: stop.signal })
        .pipe(
          mapAsync((value) => new Promise<number>((settle) => setTimeout(settle, 1, value))),
          batch(100),
        )
        .subscribe({ next: (values) => batches.push(values), complete: resolve });
    });
    await publish([1, 2, 3]);
    await until('all are open', async () => (await group()).open === 3);
    stop.abort();
    await done;
    await subscriptionsClosed();
    expect(batches.flat()).toEqual([1, 2, 3]);
    expect(await group()).toMatchObject({ acked: 3, open: 0 });
  });

  test('two unnamed DURABLE subscriptions of one topic are an error, not a silent share', async () => {
    await broker.declare({ topic: 'numbers', groups: ['default'] });
    read(numbers, QoS.DURABLE, { broker }).subscribe();
    await expect(lastValueFrom(read(numbers, QoS.DURABLE, { broker }))).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
  });

  test('an output published for a delivery that is repeated is published once', async () => {
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    await broker.declare({ topic: 'out', groups: ['h'] });
    let failed = false;
    read(numbers, QoS.DURABLE, { broker, group: 'g', retry: { initialMs: 1 } })
      .pipe(
        toBroker('out', { broker }),
        mapAsync(() => {
          if (failed) return;
          failed = true;
          throw new Error('after publishing');
        }),
      )
      .subscribe();
    await publish([1]);
    await until('it is acked', async () => (await group()).acked === 1);
    expect((await broker.stats()).find(({ topic: name }) => name === 'out')?.published).toBe(1);
  });
});
