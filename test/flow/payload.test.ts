import { batch, EmbeddedBroker, fromBroker, mapAsync, MemoryBroker, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import type { Broker, PayloadMode } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { rmSync } from 'node:fs';
import { from, lastValueFrom, map, Subject, takeUntil, tap } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryStore } from '../brokers/embedded/harness.js';

interface Frame {
  readonly number: number;
  readonly data: Uint8Array;
}

const frames = topic<Frame>('frames');
const passed = topic<Frame>('passed');
const frameBytes = 200_000;
const poison = 0xdb;

let directory: string;
let brokers: Broker[];
let ended: Subject<void>;

beforeEach(() => {
  directory = temporaryStore();
  brokers = [];
  ended = new Subject();
});
afterEach(async () => {
  ended.next();
  await subscriptionsClosed();
  await Promise.all(brokers.map((broker) => broker.close()));
  rmSync(directory, { recursive: true, force: true });
});

function opened(kind: 'memory' | 'embedded'): Broker {
  const broker = kind === 'memory' ? new MemoryBroker() : new EmbeddedBroker({ directory });
  brokers.push(broker);
  return broker;
}

function isWhole({ number, data }: Frame): boolean {
  return data.length === frameBytes && data.every((byte) => byte === number);
}

/** Publishes `count` frames, whose numbers begin with `first`. */
async function publish(broker: Broker, count: number, first = 1): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  await lastValueFrom(
    from(numbers).pipe(
      map((number) => ({ number, data: Buffer.alloc(frameBytes, number) })),
      toBroker(frames, { broker }),
    ),
  );
}

describe.each(['memory', 'embedded'] as const)('%s broker', (kind) => {
  test.each<PayloadMode>(['copy', 'view', 'poison'])(
    '%s: bytes are whole while a delivery is open, in batches too, and as they are passed on',
    async (payload) => {
      const broker = opened(kind);
      await broker.declare({ topic: 'frames', groups: ['pass'] });
      await broker.declare({ topic: 'passed', groups: ['check'] });
      const whole: boolean[] = [];
      const received: Frame[] = [];
      fromBroker(frames, QoS.DURABLE, { broker, group: 'pass', payload })
        .pipe(
          batch(4),
          mapAsync((together) => Promise.resolve(together)),
          tap((together) => whole.push(...together.map(isWhole))),
          map((together) => together.at(0) ?? { number: 0, data: new Uint8Array() }),
          toBroker(passed, { broker, outbox: true }),
          takeUntil(ended),
        )
        .subscribe();
      fromBroker(passed, QoS.DURABLE, { broker, group: 'check' })
        .pipe(
          tap((frame) => received.push(frame)),
          takeUntil(ended),
        )
        .subscribe();
      await publish(broker, 24);
      await until('all were passed on', () => received.length === 6);
      expect(whole).toEqual(Array.from({ length: 24 }, () => true));
      expect(received.map(({ number }) => number)).toEqual([1, 5, 9, 13, 17, 21]);
      expect(received.every(isWhole)).toBe(true);
    },
  );

  test.each([QoS.REALTIME, QoS.DURABLE])('poison shows who keeps %s bytes for longer than their delivery', async (qos) => {
    const broker = opened(kind);
    await broker.declare({ topic: 'frames', groups: ['g', 'other'], readers: ['g'] });
    const kept: Frame[] = [];
    fromBroker(frames, qos, { broker, group: 'g', payload: 'poison' })
      .pipe(
        tap((frame) => {
          expect(isWhole(frame)).toBe(true);
          kept.push(frame);
        }),
        takeUntil(ended),
      )
      .subscribe();
    const others: Frame[] = [];
    fromBroker(frames, QoS.DURABLE, { broker, group: 'other' })
      .pipe(
        tap((frame) => others.push(frame)),
        takeUntil(ended),
      )
      .subscribe();
    await publish(broker, 3);
    await until('the other one has all', () => others.length === 3);
    await until('one was kept', () => kept.length > 0 && kept.every(({ data }) => data.every((byte) => byte === poison)));
    expect(others.every(isWhole)).toBe(true);
  });
});

test('REALTIME view on the embedded broker: a slow pipeline sees each frame whole, in place', async () => {
  const broker = opened('embedded');
  await broker.declare({ topic: 'frames', readers: ['slow'] });
  const seen: { readonly whole: boolean; readonly shared: boolean }[] = [];
  let last = 0;
  fromBroker(frames, QoS.REALTIME, { broker, group: 'slow', payload: 'view', concurrency: 2 })
    .pipe(
      mapAsync(
        async (frame) => {
          if (seen.length < 20) await publish(broker, 5);
          seen.push({ whole: isWhole(frame), shared: frame.data.buffer.byteLength > 10 * frameBytes });
          last = frame.number;
        },
        { concurrency: 2 },
      ),
      takeUntil(ended),
    )
    .subscribe();
  await publish(broker, 1);
  await until('it saw some', () => seen.length >= 20);
  expect(seen.every(({ whole, shared }) => whole && shared)).toBe(true);
  expect(last).toBeGreaterThan(0);
});

test('REALTIME: a view is whole for as long as work behind a takeUntil goes on', async () => {
  const broker = opened('embedded');
  const latest = { reader: 'default', consumer: 'later', waitMs: 10_000, inPlace: true };
  const begun: Frame[] = [];
  const done: boolean[] = [];
  let finish = (): void => undefined;
  fromBroker(frames, QoS.REALTIME, { broker, payload: 'view' })
    .pipe(
      takeUntil(ended),
      mapAsync(async (frame) => {
        begun.push(frame);
        await new Promise<void>((resolve) => (finish = resolve));
        return isWhole(frame);
      }),
    )
    .subscribe((whole) => done.push(whole));
  await publish(broker, 1);
  await until('it has begun', () => begun.length === 1);
  ended.next();
  await subscriptionsClosed();
  for (let number = 2; number <= 20; number++) {
    await publish(broker, 1, number);
    const next = await broker.popLatest('frames', latest);
    broker.letGo?.('frames', latest.reader, [next?.seq ?? 0]);
  }
  finish();
  await until('it is done', () => done.length === 1);
  expect(done).toEqual([true]);
});

test('an unknown mode is refused at once', () => {
  expect(() => fromBroker(frames, QoS.REALTIME, { payload: 'lend' as PayloadMode })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(`'copy', 'view' or 'poison'`) as string }),
  );
});
