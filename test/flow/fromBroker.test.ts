import { batch, fromBroker, leasingOperator, mapAsync, MemoryBroker, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import type { AckResult, FromBrokerOptions } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { catchError, config, firstValueFrom, from, lastValueFrom, map, of, retry, Subject, take, takeUntil, tap } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

const numbers = topic<number>('numbers');
let broker: MemoryBroker;
let ended: Subject<void>;

beforeEach(async () => {
  broker = new MemoryBroker();
  ended = new Subject();
  await broker.declare({ topic: 'numbers', groups: ['g'], readers: ['r'] });
});
afterEach(async () => {
  ended.next();
  await subscriptionsClosed();
  await broker.close();
});

function durable(options: FromBrokerOptions = {}): Observable<number> {
  return fromBroker(numbers, QoS.DURABLE, { broker, group: 'g', retry: { initialMs: 60_000 }, ...options }).pipe(takeUntil(ended));
}

async function publish(...values: number[]): Promise<void> {
  await lastValueFrom(from(values).pipe(toBroker(numbers, { broker })));
}

async function group() {
  return (await broker.stats())[0]?.groups.g;
}

describe('a synchronous failure is the message’s: it is not acked', () => {
  const throws = (): never => {
    throw new Error('injected');
  };
  test.each<[string, OperatorFunction<number, unknown>]>([
    ['map', map(throws)],
    [
      'tap, behind other operators',
      (source) =>
        source.pipe(
          map((value) => value + 1),
          tap(throws),
          take(5),
        ),
    ],
    [
      'map behind mapAsync',
      (source) =>
        source.pipe(
          mapAsync((value) => value),
          map(throws),
        ),
    ],
    [
      'map, though catchError deals with the error',
      (source) =>
        source.pipe(
          map(throws),
          catchError(() => of(0)),
        ),
    ],
  ])('%s', async (_, pipeline) => {
    await publish(1, 2, 3);
    await new Promise<void>((resolve) => {
      const end = (): void => resolve();
      durable().pipe(pipeline).subscribe({ error: end, complete: end });
    });
    await subscriptionsClosed();
    expect(await group()).toMatchObject({ acked: 0, open: 3 });
    const again = await broker.pop('numbers', { group: 'g', consumer: 'x', count: 9, waitMs: 0 });
    expect(again.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  test('thrown by the subscriber itself', async () => {
    const errors: unknown[] = [];
    config.onUnhandledError = (error) => errors.push(error);
    try {
      durable().subscribe((value) => {
        if (value === 1) throws();
      });
      await publish(1, 2);
      await until('the second message is acked', async () => (await group())?.acked === 1);
      await until('RxJS reports the error', () => errors.length === 1);
    } finally {
      config.onUnhandledError = null;
    }
    expect(await group()).toMatchObject({ acked: 1, open: 1 });
  });

  test('retry() takes it again, until it is dead-lettered', async () => {
    const seen: number[] = [];
    durable({ retry: { initialMs: 0, maxDeliveries: 2 }, prefetch: 1 })
      .pipe(
        map((value) => (value === 1 ? throws() : value)),
        retry(),
      )
      .subscribe((value) => seen.push(value));
    await publish(1, 2);
    await until('both are dealt with', async () => (await group())?.acked === 1);
    expect(seen).toEqual([2]);
    expect(await broker.deadLetters('numbers')).toMatchObject([{ attempts: 2, error: 'injected' }]);
  });
});

describe('a stream that has had enough', () => {
  test.each<[string, () => Promise<number>]>([
    ['take(1)', () => lastValueFrom(durable().pipe(take(1)))],
    ['firstValueFrom', () => firstValueFrom(durable())],
    [
      'take(1) behind mapAsync',
      () =>
        lastValueFrom(
          durable().pipe(
            mapAsync((value) => value, { concurrency: 9 }),
            take(1),
          ),
        ),
    ],
  ])('%s: acks what it took, and hands the rest back', async (_, takeOne) => {
    await publish(1, 2, 3);
    expect(await takeOne()).toBe(1);
    await subscriptionsClosed();
    expect(await group()).toMatchObject({ acked: 1 });
    const again = await broker.pop('numbers', { group: 'g', consumer: 'x', count: 9, waitMs: 0 });
    expect(again.map(({ seq }) => seq)).toEqual([2, 3]);
  });
});

test('a message whose validation was under way at unsubscribe is handed back', async () => {
  let release: () => void = () => undefined;
  let validating = false;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const schema = z.number().refine(async () => {
    validating = true;
    await gate;
    return true;
  });
  await publish(1);
  const subscription = fromBroker(topic<number>('numbers', { schema }), QoS.DURABLE, { broker, group: 'g' }).subscribe();
  await until('it is being validated', () => validating);
  subscription.unsubscribe();
  release();
  await subscriptionsClosed();
  expect(await group()).toMatchObject({ acked: 0, open: 1 });
});

test('a stop that was aborted before subscribe completes the stream without a message', async () => {
  await publish(1);
  await lastValueFrom(durable({ stop: AbortSignal.abort() }), { defaultValue: 0 });
  await subscriptionsClosed();
  expect(await group()).toMatchObject({ unread: 1, open: 0 });
});

test('unsubscribing while the last deliveries settle hands them back', async () => {
  const stop = new AbortController();
  let working = false;
  const work = mapAsync(() => {
    working = true;
    return new Promise(() => undefined);
  });
  const subscription = durable({ stop: stop.signal }).pipe(batch(5), work).subscribe();
  await publish(1);
  await until('it waits in the batch', async () => (await group())?.open === 1);
  stop.abort();
  await until('the batch is in work', () => working);
  subscription.unsubscribe();
  await subscriptionsClosed();
  expect(await broker.pop('numbers', { group: 'g', consumer: 'x', count: 1, waitMs: 0 })).toHaveLength(1);
});

test('REALTIME: a value that waits in a batch does not stop the stream', async () => {
  const out: number[][] = [];
  fromBroker(numbers, QoS.REALTIME, { broker, group: 'r' })
    .pipe(batch(2), takeUntil(ended))
    .subscribe((values) => out.push(values));
  await publish(1);
  await until('it was taken', async () => (await broker.stats())[0]?.readers.r?.delivered === 1);
  await publish(2);
  await until('the batch is out', () => out.length === 1);
  expect(out).toEqual([[1, 2]]);
});

test('REALTIME: as many deliveries are open as concurrency says', async () => {
  const seen: number[] = [];
  fromBroker(numbers, QoS.REALTIME, { broker, group: 'r', concurrency: 2 })
    .pipe(
      takeUntil(ended),
      leasingOperator<number, never>('keep', () => ({ next: (value) => seen.push(value) })),
    )
    .subscribe();
  for (const value of [1, 2]) {
    await publish(value);
    await until('it is in work', () => seen.includes(value));
  }
  await publish(3);
  expect((await broker.stats())[0]?.readers.r).toMatchObject({ delivered: 2, waiting: 1 });
});

test('acks that a broker refuses for a while are tried again', async () => {
  let refusals = 2;
  class Shaky extends MemoryBroker {
    override async ack(...args: Parameters<MemoryBroker['ack']>): Promise<AckResult> {
      if (refusals-- > 0) throw new Error('not now');
      return super.ack(...args);
    }
  }
  const shaky = new Shaky();
  await shaky.declare({ topic: 'numbers', groups: ['g'] });
  const subscription = durable({ broker: shaky }).subscribe();
  await lastValueFrom(of(1).pipe(toBroker(numbers, { broker: shaky })));
  await until('it is acked', async () => (await shaky.stats())[0]?.groups.g?.acked === 1);
  subscription.unsubscribe();
  await subscriptionsClosed();
});

test('a closing subscription does not wait for a broker that refuses its acks', async () => {
  class Broken extends MemoryBroker {
    override ack(): Promise<AckResult> {
      return Promise.reject(new Error('never'));
    }
  }
  const broken = new Broken();
  await broken.declare({ topic: 'numbers', groups: ['g'] });
  const value = firstValueFrom(durable({ broker: broken }));
  await lastValueFrom(of(7).pipe(toBroker(numbers, { broker: broken })));
  expect(await value).toBe(7);
  await subscriptionsClosed();
});

test.each<FromBrokerOptions>([{ prefetch: 0 }, { prefetch: 1.5 }, { concurrency: 0 }])('%o is refused', (options) => {
  expect(() => fromBroker('numbers', QoS.DURABLE, options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});

test('an option that there is not is refused, with the one that may be meant', () => {
  const options = { grop: 'logger' } as FromBrokerOptions;
  expect(() => fromBroker('numbers', QoS.DURABLE, options)).toThrow(
    expect.objectContaining({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining("fromBroker('numbers'): there is no option 'grop'; did you mean 'group'?") as string,
    }),
  );
});

test('a REALTIME pipeline that is synchronous and always behind leaves timers their turn', async () => {
  let turns = 0;
  let seen = 0;
  const timer = setInterval(() => turns++, 1);
  const push = (): void => {
    // An end, so that a pipeline that leaves no turn fails here and does not hang.
    if (turns < 5 && seen < 50_000) from([seen++]).pipe(toBroker(numbers, { broker })).subscribe();
  };
  fromBroker(numbers, QoS.REALTIME, { broker, group: 'r' }).pipe(tap(push), takeUntil(ended)).subscribe();
  push();
  await until('timers had their turn', () => turns >= 5);
  clearInterval(timer);
  expect(seen).toBeLessThan(50_000);
});
