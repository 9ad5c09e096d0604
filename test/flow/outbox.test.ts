import {
  batch,
  detached,
  EdgeFlowError,
  fromBroker,
  fromPull,
  leased,
  mapAsync,
  MemoryBroker,
  QoS,
  subscriptionsClosed,
  toBroker,
  topic,
} from 'edgeflow';
import type { Commit, CommitResult, FromBrokerOptions, PopRequest, Topic } from 'edgeflow';
import { until } from 'edgeflow/testing';
import {
  concatMap,
  delay,
  filter,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  share,
  Subject,
  take,
  takeUntil,
  tap,
  toArray,
} from 'rxjs';
import type { MonoTypeOperatorFunction, Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeValue, encodeValue, maxMetaBytes } from '#src/codec.js';
import { marbles, turn } from './support.js';

/** Records commits; a gate may hold them up, and a fault may take their place. */
class RecordingBroker extends MemoryBroker {
  readonly commits: Commit[] = [];
  readonly pushed: string[] = [];
  gate: Promise<void> = Promise.resolve();
  fault: (commit: Commit) => Error | undefined = () => undefined;

  override async commit(...[commit, options]: Parameters<MemoryBroker['commit']>): Promise<CommitResult> {
    this.commits.push(commit);
    options?.signal?.throwIfAborted();
    await this.gate;
    const fault = this.fault(commit);
    if (fault) throw fault;
    return super.commit(commit, options);
  }

  override push(...[name, message, options]: Parameters<MemoryBroker['push']>): ReturnType<MemoryBroker['push']> {
    this.pushed.push(name);
    return super.push(name, message, options);
  }
}

const numbers = topic<number>('numbers');
const others = topic<number>('others');
let broker: RecordingBroker;
let ended: Subject<void>;

beforeEach(async () => {
  broker = new RecordingBroker();
  ended = new Subject();
  for (const name of ['numbers', 'others']) await broker.declare({ topic: name, groups: ['g'], readers: ['r'] });
  await broker.declare({ topic: 'out', groups: ['sink'] });
});
afterEach(async () => {
  ended.next();
  await subscriptionsClosed();
  await broker.close();
});

function durable(source: Topic<number> = numbers, options: FromBrokerOptions = {}): Observable<number> {
  return fromBroker(source, QoS.DURABLE, { broker, group: 'g', consumer: 'c', retry: { initialMs: 0 }, ...options }).pipe(takeUntil(ended));
}

function outbox<T>(to: Topic<T> | string = 'out'): MonoTypeOperatorFunction<T> {
  return toBroker(to, { broker, outbox: true });
}

async function publish(to: Topic<number>, ...values: number[]): Promise<void> {
  for (const value of values) await lastValueFrom(of(value).pipe(toBroker(to, { broker })));
  broker.pushed.length = 0;
}

/** Values of a topic that nothing has taken, as one who reads it next finds them. */
async function published(name = 'out'): Promise<{ id: string; value: unknown }[]> {
  const request: PopRequest = { group: 'sink', consumer: 'sink', count: 1_000, waitMs: 0 };
  const messages = await broker.pop(name, request);
  await broker.release(name, request);
  return messages.map((message) => ({ id: message.id, value: decodeValue(message) }));
}

async function values(): Promise<unknown[]> {
  return (await published()).map(({ value }) => value);
}

async function statsOf(name: string) {
  const found = (await broker.stats()).find((stats) => stats.topic === name)?.groups.g;
  if (!found) throw new Error(`${name} has no group`);
  return found;
}

const untilAcked = (count: number, name = 'numbers'): Promise<void> =>
  until(`${count} of ${name} are acked`, async () => (await statsOf(name)).acked === count);

/** Seqs that the group has open, due at once. */
async function due(name: string): Promise<number[]> {
  const request: PopRequest = { group: 'g', consumer: 'x', count: 100, waitMs: 0 };
  return (await broker.pop(name, request)).map(({ seq }) => seq);
}

describe('what answers a delivery', () => {
  test('passes on at once, and is published with the ack, in one commit', async () => {
    let finish: () => void = () => undefined;
    const work = new Promise<void>((resolve) => (finish = resolve));
    const seen: number[] = [];
    durable()
      .pipe(
        outbox(),
        tap((value) => seen.push(value)),
        mapAsync(() => work),
      )
      .subscribe();
    await publish(numbers, 7);
    await until('it passed on', () => seen.length === 1);
    expect([await published(), broker.commits]).toEqual([[], []]);
    finish();
    await untilAcked(1);
    const [input] = broker.commits[0]?.messages[0]?.message.id.split('>') ?? [];
    expect(await published()).toEqual([{ id: `${input}>out.0`, value: 7 }]);
    expect(broker.commits).toMatchObject([{ acks: [{ topic: 'numbers', group: 'g', consumer: 'c', tickets: [{ seq: 1 }] }] }]);
    expect(broker.pushed).toEqual([]);
  });

  test('may be several messages, on several topics', async () => {
    await broker.declare({ topic: 'second', groups: ['sink'] });
    durable()
      .pipe(
        concatMap((value) => [value, value + 0.5]),
        outbox(),
        outbox('second'),
      )
      .subscribe();
    await publish(numbers, 1, 2);
    await untilAcked(2);
    expect(await values()).toEqual([1, 1.5, 2, 2.5]);
    expect((await published('second')).map(({ value }) => value)).toEqual([1, 1.5, 2, 2.5]);
  });

  test('has an id of bounded length, however many nodes its inputs passed through', async () => {
    durable().pipe(outbox()).subscribe();
    for (const origin of ['a', 'b']) {
      const message = { id: origin.repeat(510), time: 0, ...encodeValue(origin) };
      await broker.push('numbers', message);
    }
    await untilAcked(2);
    const ids = (await published()).map(({ id }) => id);
    expect([ids.length, new Set(ids).size, Math.max(...ids.map(({ length }) => length))]).toEqual([2, 2, 43]);
  });

  test('is published also when the stream has had enough by that', async () => {
    await publish(numbers, 1, 2, 3);
    await lastValueFrom(durable().pipe(outbox(), take(2)));
    await subscriptionsClosed();
    expect([await values(), await statsOf('numbers')]).toMatchObject([[1, 2], { acked: 2 }]);
  });

  test('is dropped when the delivery fails, and published once when it succeeds', async () => {
    let attempts = 0;
    const once = mapAsync<number, number>((value) => {
      if (value === 2 && ++attempts < 3) throw new Error('injected');
      return value;
    });
    durable().pipe(outbox(), once).subscribe();
    await publish(numbers, 1, 2, 3);
    await untilAcked(3);
    expect(await values()).toEqual(expect.arrayContaining([1, 2, 3]));
    expect(await values()).toHaveLength(3);
  });

  test('is never published for a message that is given up', async () => {
    const never = mapAsync(() => Promise.reject(new Error('injected')));
    durable(numbers, { retry: { initialMs: 0, maxDeliveries: 3 } })
      .pipe(outbox(), never)
      .subscribe();
    await publish(numbers, 1);
    await until('it is dead', async () => (await statsOf('numbers')).dead === 1);
    expect(await published()).toEqual([]);
  });

  test('must fit the topic and the codec: else the delivery fails', async () => {
    const positive = topic<number>('out', { schema: z.number().positive() });
    const once = { retry: { maxDeliveries: 1 } };
    durable(numbers, once).pipe(outbox(positive)).subscribe();
    durable(others, once)
      .pipe(
        map((value) => (value < 0 ? 'x'.repeat(maxMetaBytes) : value)),
        outbox(topic<unknown>('out')),
      )
      .subscribe();
    await publish(numbers, -1, 1);
    await publish(others, -2, 2);
    await untilAcked(1, 'numbers');
    await untilAcked(1, 'others');
    expect((await values()).sort()).toEqual([1, 2]);
    expect(await broker.deadLetters('numbers')).toMatchObject([{ error: expect.stringMatching(/^VALUE_INVALID/) as string }]);
    expect(await broker.deadLetters('others')).toMatchObject([{ error: expect.stringMatching(/^MESSAGE_TOO_LARGE/) as string }]);
  });

  test('keeps the order in which the deliveries settled, in batches, however slow the first commit is', async () => {
    let open: () => void = () => undefined;
    broker.gate = new Promise((resolve) => (open = resolve));
    await publish(numbers, ...Array.from({ length: 20 }, (_, index) => index));
    const jitter = mapAsync<number, number>(
      async (value) => {
        for (let turns = value % 4; turns > 0; turns--) await turn();
        return value;
      },
      { concurrency: 5 },
    );
    durable(numbers, { prefetch: 32 }).pipe(jitter, outbox()).subscribe();
    await until('the first commit is under way', () => broker.commits.length === 1);
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(broker.commits).toHaveLength(1);
    open();
    await untilAcked(20);
    expect(await values()).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(broker.commits.length).toBeLessThan(20);
  });
});

describe('deliveries that share a message', () => {
  test('of one topic: a batch is committed with the acks of all', async () => {
    durable()
      .pipe(
        batch(3),
        map((items) => items.join()),
        outbox(topic<string>('out')),
      )
      .subscribe();
    await publish(numbers, 1, 2, 3);
    await untilAcked(3);
    expect(await values()).toEqual(['1,2,3']);
    expect(broker.commits.map(({ acks }) => acks[0]?.tickets.length)).toEqual([3]);
  });

  test('of two topics: acks of both stand in one commit', async () => {
    merge(durable(numbers), durable(others))
      .pipe(
        batch(2),
        map((items) => items.join()),
        outbox(topic<string>('out')),
      )
      .subscribe();
    await publish(numbers, 1);
    await until('it waits', async () => (await statsOf('numbers')).open === 1);
    await publish(others, 2);
    await untilAcked(1, 'numbers');
    await untilAcked(1, 'others');
    expect(await values()).toEqual(['1,2']);
    expect(broker.commits.map(({ acks }) => acks.map(({ topic: name }) => name))).toEqual([['numbers', 'others']]);
  });

  test('in several batches: all of them settle together, and one that fails fails all', async () => {
    let failures = 1;
    const fail = mapAsync<number, number>((value) => {
      if (value === 3 && failures-- > 0) throw new Error('injected');
      return value;
    });
    const pairs = (source: Observable<number>): Observable<string> =>
      source.pipe(
        filter((value) => value < 3),
        concatMap((value) => [value, value]),
        batch(3),
        map((items) => items.join()),
        outbox(topic<string>('out')),
      );
    // 1, 1, 2 is one batch, and 2, 3 the other: 1 is not acked apart from 3.
    const shared = durable(numbers, { retry: { initialMs: 60_000 } }).pipe(share());
    merge(shared.pipe(pairs), shared.pipe(fail, ignoreElements())).subscribe();
    await publish(numbers, 1, 2, 3);
    await until('3 failed', async () => failures < 1 && (await statsOf('numbers')).open > 0);
    expect([await published(), (await statsOf('numbers')).acked]).toEqual([[], 0]);
  });

  test('fail together: none is acked, nothing is published', async () => {
    const fail = mapAsync(() => Promise.reject(new Error('injected')));
    durable(numbers, { retry: { maxDeliveries: 1 } })
      .pipe(batch(2), outbox(topic<number[]>('out')), fail)
      .subscribe();
    await publish(numbers, 1, 2);
    await until('both are dead', async () => (await statsOf('numbers')).dead === 2);
    expect([await published(), broker.commits]).toEqual([[], []]);
  });

  test('do not hold up the source while they wait for each other', async () => {
    const shared = durable(numbers, { prefetch: 2 }).pipe(share());
    const joined = topic<number[]>('out');
    // Odd numbers wait for the even ones of their pair, and those for a batch of ten.
    const evens = shared.pipe(
      filter((value) => value % 2 === 0),
      batch(10),
    );
    merge(shared.pipe(batch(2), outbox(joined)), evens).subscribe();
    await publish(numbers, ...Array.from({ length: 20 }, (_, index) => index));
    await untilAcked(20);
    expect(await published()).toHaveLength(10);
  });

  test('with a value that no broker delivered: it takes part without an ack', async () => {
    merge(durable(), of(5).pipe(detached()))
      .pipe(batch(2), outbox(topic<number[]>('out')))
      .subscribe();
    await publish(numbers, 1);
    await untilAcked(1);
    expect(await values()).toEqual([[5, 1]]);
    expect(broker.pushed).toEqual([]);
  });
});

describe('a commit that is', () => {
  test('fenced publishes nothing; what is still the consumer’s is delivered again', async () => {
    let finish: () => void = () => undefined;
    const work = new Promise<void>((resolve) => (finish = resolve));
    let working = false;
    let taken = 0;
    const hold = mapAsync(async (items: number[]) => {
      working = true;
      await work;
      return items;
    });
    durable(numbers, { prefetch: 2 })
      .pipe(
        tap(() => taken++),
        batch(2),
        hold,
        outbox(topic<number[]>('out')),
      )
      .subscribe();
    await publish(numbers, 1, 2);
    await until('both are in work', () => working);
    await broker.release('numbers', { group: 'g', consumer: 'c' }, [1]);
    expect(await due('numbers')).toEqual([1]);
    finish();
    await until('2 was handed back, and taken again', () => taken === 3);
    ended.next();
    await subscriptionsClosed();
    const tickets = broker.commits.map(({ acks }) => acks.flatMap((ack) => ack.tickets.map(({ seq }) => seq)));
    expect([tickets, await values()]).toEqual([[[1, 2], [2]], [[2]]]);
  });

  test('fenced does not stand in the way of others', async () => {
    const seqs: number[] = [];
    broker.fault = ({ acks }) => {
      const [ack] = acks;
      seqs.push(...(ack?.tickets.map(({ seq }) => seq) ?? []));
      return undefined;
    };
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    durable(numbers, { prefetch: 3 })
      .pipe(
        mapAsync((value) => gate.then(() => value), { concurrency: 9 }),
        outbox(),
      )
      .subscribe();
    await publish(numbers, 1, 2, 3);
    await until('all were taken', async () => (await statsOf('numbers')).unread === 0);
    await broker.release('numbers', { group: 'g', consumer: 'c' }, [2]);
    expect(await due('numbers')).toEqual([2]);
    open();
    await untilAcked(2);
    expect(await values()).toEqual([1, 3]);
    expect(seqs).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test.each(['BROKER_FULL', 'MESSAGE_TOO_LARGE', 'TOPIC_UNDECLARED'] as const)(
    'refused with %s fails its delivery and no other',
    async (code) => {
      broker.fault = ({ messages }) =>
        messages.some(({ message }) => decodeValue(message) === 2) ? new EdgeFlowError(code, 'injected') : undefined;
      durable(numbers, { retry: { initialMs: 0, maxDeliveries: 2 } })
        .pipe(outbox())
        .subscribe();
      await publish(numbers, 1, 2, 3);
      await untilAcked(2);
      await until('2 is dead', async () => (await statsOf('numbers')).dead === 1);
      expect(await values()).toEqual([1, 3]);
      expect(await broker.deadLetters('numbers')).toMatchObject([{ seq: 2, attempts: 2, error: `${code}: injected` }]);
    },
  );

  test('lost on the way is tried again until the broker is back', async () => {
    let failures = 2;
    broker.fault = () => (failures-- > 0 ? new Error('away') : undefined);
    durable().pipe(outbox()).subscribe();
    await publish(numbers, 1, 2);
    await untilAcked(2);
    expect(await values()).toEqual([1, 2]);
  });

  test('repeated because its answer was lost publishes once', async () => {
    let lost = false;
    class Forgetful extends RecordingBroker {
      override async commit(...args: Parameters<MemoryBroker['commit']>): Promise<CommitResult> {
        const result = await super.commit(...args);
        if (!lost) {
          lost = true;
          throw new Error('the answer was lost');
        }
        return result;
      }
    }
    broker = new Forgetful();
    await broker.declare({ topic: 'numbers', groups: ['g'] });
    await broker.declare({ topic: 'out', groups: ['sink'] });
    durable().pipe(outbox()).subscribe();
    await publish(numbers, 1);
    await until('it was tried again', () => broker.commits.length === 2);
    expect([await values(), await statsOf('numbers')]).toMatchObject([[1], { acked: 1, open: 0 }]);
  });
});

describe('a topic that is full', () => {
  beforeEach(() => broker.declare({ topic: 'out', groups: ['sink'], maxBytes: 1 }));

  const makeRoom = async (): Promise<void> => {
    const consumer = { group: 'sink', consumer: 'sink' };
    const taken = await broker.pop('out', { ...consumer, count: 9, waitMs: 0 });
    await broker.ack('out', consumer, taken);
  };

  test('holds the deliveries up, and the source with them', async () => {
    await publish(topic('out'), 0);
    durable(numbers, { prefetch: 2 }).pipe(outbox()).subscribe();
    await publish(numbers, 1, 2, 3);
    await until('a commit waits', () => broker.commits.length > 0);
    expect(await statsOf('numbers')).toMatchObject({ acked: 0, open: 2, unread: 1 });
    await makeRoom();
    await untilAcked(2);
    await makeRoom();
    await untilAcked(3);
  });

  test('holds a REALTIME source up: the place of a delivery is free when its output is published', async () => {
    await publish(topic('out'), 0);
    const seen: number[] = [];
    fromBroker(numbers, QoS.REALTIME, { broker, group: 'r' })
      .pipe(
        takeUntil(ended),
        tap((value) => seen.push(value)),
        outbox(),
      )
      .subscribe();
    await publish(numbers, 1);
    await until('a commit waits', () => broker.commits.length > 0);
    await publish(numbers, 2);
    await publish(numbers, 3);
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(seen).toEqual([1]);
    await makeRoom();
    await until('the newest came', () => seen.length === 2);
    expect([seen, await values()]).toEqual([[1, 3], [1]]);
  });

  test('does not hold up an unsubscribe: what waited is handed back', async () => {
    await publish(topic('out'), 0);
    const subscription = durable().pipe(outbox()).subscribe();
    await publish(numbers, 1);
    await until('a commit waits', () => broker.commits.length > 0);
    subscription.unsubscribe();
    await subscriptionsClosed();
    expect([await due('numbers'), await values()]).toEqual([[1], [0]]);
  });

  test('holds up the end of a stream that was stopped: what settled is published', async () => {
    await publish(topic('out'), 0);
    const stop = new AbortController();
    await publish(numbers, 1);
    const end = lastValueFrom(durable(numbers, { stop: stop.signal }).pipe(outbox(), ignoreElements()), { defaultValue: 0 });
    await until('a commit waits', () => broker.commits.length > 0);
    stop.abort();
    await end;
    await makeRoom();
    await subscriptionsClosed();
    expect([await values(), await statsOf('numbers')]).toMatchObject([[1], { acked: 1 }]);
  });

  test('does not hold up commits to others, which may make its room', async () => {
    await broker.declare({ topic: 'far', groups: ['sink'] });
    const middle = fromBroker<number>('out', QoS.DURABLE, { broker, group: 'sink', consumer: 'sink' }).pipe(
      takeUntil(ended),
      outbox('far'),
    );
    await publish(topic('out'), 0);
    durable().pipe(outbox()).subscribe();
    await publish(numbers, 1);
    await until('a commit waits', () => broker.commits.length > 0);
    middle.subscribe();
    await until('both came through', async () => (await broker.stats()).find(({ topic: name }) => name === 'far')?.published === 2);
  });
});

describe('where no source can commit, the operator publishes by itself', () => {
  test('and emits in order, when the broker has confirmed', async () => {
    expect(await lastValueFrom(from([1, 2, 3]).pipe(outbox(), toArray()))).toEqual([1, 2, 3]);
    expect([broker.pushed, broker.commits]).toEqual([['out', 'out', 'out'], []]);
  });

  test('for fromPull, which waits for that', async () => {
    let pulled = 0;
    const source = fromPull(async function* () {
      await Promise.resolve();
      for (; pulled < 3; pulled++) yield pulled;
    });
    await broker.declare({ topic: 'out', maxBytes: 1 });
    await publish(topic('out'), 9);
    source.pipe(outbox(), takeUntil(ended)).subscribe();
    await until('the first is published', () => broker.pushed.length === 1);
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(pulled).toBe(0);
  });

  test('for a source on another broker', async () => {
    const elsewhere = new MemoryBroker();
    await elsewhere.declare({ topic: 'numbers', groups: ['g'] });
    fromBroker(numbers, QoS.DURABLE, { broker: elsewhere, group: 'g' }).pipe(takeUntil(ended), outbox()).subscribe();
    await lastValueFrom(of(1).pipe(toBroker(numbers, { broker: elsewhere })));
    await until('it is acked there', async () => (await elsewhere.stats())[0]?.groups.g?.acked === 1);
    expect([await values(), broker.commits]).toEqual([[1], []]);
  });

  test('and fails the stream with the broker’s refusal', async () => {
    await broker.close();
    await expect(lastValueFrom(of(1).pipe(outbox()))).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    broker = new RecordingBroker();
  });

  test('passes the end and errors on, and lets go of its source', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  ----|');
      expectObservable(source.pipe(outbox())).toBe('----|');
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectObservable(cold('--#').pipe(outbox())).toBe('--#');
      const cut = cold('     -----');
      expectObservable(cut.pipe(outbox()), '^-!').toBe('---');
      expectSubscriptions(cut.subscriptions).toBe('^-!');
    });
  });
});

test('a value that escaped its delivery is found', async () => {
  const error = new Promise((resolve) => {
    durable()
      .pipe(
        mergeMap((value) => of(value).pipe(delay(1))),
        outbox(),
      )
      .subscribe({ error: resolve });
  });
  await publish(numbers, 1);
  expect(await error).toMatchObject({ code: 'LEASE_ESCAPED', message: expect.stringContaining('toBroker') as string });
});

test('what is inside leased(…) is published with its own delivery', async () => {
  durable()
    .pipe(leased(delay(1), { releases: 'one' }), outbox())
    .subscribe();
  await publish(numbers, 1, 2);
  await untilAcked(2);
  expect(await values()).toEqual([1, 2]);
});

test('an error’s stack is kept with the dead letter, cut to 16 KiB', async () => {
  const error = new Error('injected');
  error.stack = 'x'.repeat(20_000);
  durable(numbers, { retry: { maxDeliveries: 1 } })
    .pipe(mapAsync(() => Promise.reject(error)))
    .subscribe();
  await publish(numbers, 1);
  await until('it is dead', async () => (await statsOf('numbers')).dead === 1);
  const [letter] = await broker.deadLetters('numbers');
  expect(letter?.stack).toBe('x'.repeat(16_384));
});
