import { batch, fromBroker, lookBack, mapAsync, MemoryBroker, QoS, subscriptionsClosed, System, toBroker, topic } from 'edgeflow';
import { runMarbles, until } from 'edgeflow/testing';
import { concat, concatMap, filter, from, lastValueFrom, map, NEVER, of, reduce, throwError, toArray } from 'rxjs';
import type { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import { decodeValue } from '#src/codec.js';
import { Deliveries, turn } from './support.js';

interface Seen {
  readonly index: number;
  readonly time: number;
}

const frames = topic<Seen>('frames');
const start = Date.now() - 10_000;
/** Frame 0 was taken 10 s ago, and there are ten a second. */
const frame = (index: number): Seen => ({ index, time: start + index * 100 });
const indices = (earlier: Observable<Seen>): Observable<number[]> =>
  earlier.pipe(
    map(({ index }) => index),
    toArray(),
  );
const numbersFrom = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** A broker that has retained frames 0 to 99. */
async function filmed(retain: { seconds?: number; bytes?: number } | undefined = { seconds: 60 }): Promise<MemoryBroker> {
  const broker = new MemoryBroker();
  await broker.declare({ topic: 'frames', readers: ['detector'], retain });
  await lastValueFrom(from(numbersFrom(0, 99).map(frame)).pipe(toBroker(frames, { broker })));
  return broker;
}

test('gives the frames up to a value’s own time, or to the time that it is told; and a settled delivery', async () => {
  const broker = await filmed();
  const alerts = new Deliveries<{ time: number }>();
  const out: number[][] = [];
  const stream = alerts.stream.pipe(lookBack(frames, { seconds: 0.5, broker }, (_, earlier) => indices(earlier)));
  stream.subscribe((found) => out.push(found));
  alerts.next({ time: frame(50).time });
  alerts.next({ time: frame(52).time });
  await until('both are looked back from', () => out.length === 2);
  expect(out).toEqual([numbersFrom(45, 50), numbersFrom(47, 52)]);
  await until('both have settled', () => alerts.settled.length === 2);
  const told = lookBack<string, Seen, number[]>(frames, { seconds: 1, broker, until: () => frame(30).time }, (_, earlier) =>
    indices(earlier),
  );
  expect(await lastValueFrom(of('now').pipe(told))).toEqual(numbersFrom(20, 30));
});

test('in virtual time: what was published before the alert, whether it was read or not', () =>
  runMarbles(({ system, cold, expectObservable }) => {
    const graph = new System('yard');
    const camera = graph.node(() => NEVER, { name: 'camera', retain: { seconds: 0.01 } });
    const detector = graph.node((seen) => seen.pipe(filter((letter) => letter === 'e')), { name: 'detector' });
    const joined = lookBack<unknown, string, string>('camera', { seconds: 0.003 }, (_, earlier) =>
      earlier.pipe(reduce((all, one) => all + one)),
    );
    const recorder = graph.node((alerts) => alerts.pipe(joined), { name: 'recorder' });
    graph.link(camera).to(detector, QoS.REALTIME);
    graph.link(detector).to(recorder, QoS.DURABLE);
    const run = system(graph, { sources: { camera: cold('abcdefghi|') } });
    expectObservable(run.output('recorder')).toBe('----r----|', { r: 'bcde' });
  }));

test('the earlier ones are asked for as fast as they are dealt with, downstream too', async () => {
  const broker = await filmed();
  let [working, most, done] = [0, 0, 0];
  const work = async (seen: Seen): Promise<Seen> => {
    most = Math.max(most, ++working);
    await turn();
    working--;
    done++;
    return seen;
  };
  const alert = { time: frame(40).time };
  const look = lookBack<Seen | { time: number }, Seen, Seen>(frames, { seconds: 4, broker }, (_, earlier) => earlier);
  await lastValueFrom(of(alert).pipe(look, mapAsync(work, { concurrency: 99 })));
  expect([most, done]).toEqual([1, 41]);
  expect(
    await lastValueFrom(
      of(alert).pipe(
        look,
        batch(10),
        map(({ length }) => length),
        toArray(),
      ),
    ),
  ).toEqual([10, 10, 10, 10, 1]);
});

test('each result is published once, also when the value is delivered again', async () => {
  const broker = await filmed();
  await broker.declare({ topic: 'alerts', groups: ['clip'] });
  await broker.declare({ topic: 'clips', groups: ['store'] });
  await lastValueFrom(of({ time: frame(40).time }).pipe(toBroker('alerts', { broker })));
  let failures = 2;
  // Two results of each frame, and two in the end.
  const twice = (earlier: Observable<Seen>): Observable<number> =>
    concat(earlier.pipe(concatMap(({ index }) => [index, index + 0.5])), of(-1, -2));
  const subscription = fromBroker<{ time: number }>('alerts', QoS.DURABLE, { broker, group: 'clip', retry: { initialMs: 1 } })
    .pipe(
      lookBack(frames, { seconds: 0.4, broker }, (_, earlier) => twice(earlier)),
      toBroker('clips', { broker }),
      mapAsync((value) => {
        if (value === 38 && failures-- > 0) throw new Error('not yet');
      }),
    )
    .subscribe();
  await until('the alert is acked', async () => (await broker.stats()).some(({ groups }) => groups.clip?.acked === 1));
  subscription.unsubscribe();
  await subscriptionsClosed(broker);
  const clips = await broker.pop('clips', { group: 'store', consumer: 'a', count: 99, waitMs: 0 });
  const values = clips.map((message) => decodeValue(message) as number);
  expect(values.sort((one, two) => one - two)).toEqual([-2, -1, 36, 36.5, 37, 37.5, 38, 38.5, 39, 39.5, 40, 40.5]);
});

test('a failure is the delivery’s: of project, of its Observable, of what comes after, of a topic without retention', async () => {
  const broker = await filmed();
  const bare = await filmed({ bytes: 0 });
  const look = (name: string, on: MemoryBroker) =>
    lookBack<string, Seen, number[]>(name, { seconds: 1, broker: on, until: () => frame(40).time }, (value, earlier) => {
      if (value === 'thrown') throw new Error('no');
      return value === 'failed' ? throwError(() => new Error('no')) : indices(earlier);
    });
  const alerts = new Deliveries<string>();
  const late = mapAsync((_: number[], { index }) => {
    if (index === 1) throw new Error('no');
  });
  const subscription = alerts.stream.pipe(look('frames', broker), late).subscribe();
  alerts.next('thrown', 'failed', 'well', 'late');
  await until('all have settled', () => alerts.settled.length === 4);
  expect(alerts.settled).toEqual(['thrown failed', 'failed failed', 'well ok', 'late failed']);
  subscription.unsubscribe();

  const withoutAny = new Deliveries<string>();
  const other = withoutAny.stream.pipe(look('frames', bare)).subscribe();
  withoutAny.next('well');
  await until('it has failed', () => withoutAny.settled.length === 1);
  expect(withoutAny.settled).toEqual(['well failed']);
  other.unsubscribe();
  await expect(lastValueFrom(of('x').pipe(look('frames', bare)))).rejects.toMatchObject({ code: 'NOTHING_RETAINED' });
  await expect(lastValueFrom(of('x').pipe(look('nowhere', broker)))).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
});

test('unsubscribed, it leaves the delivery open and reads no more', async () => {
  const broker = await filmed();
  const alerts = new Deliveries<string>();
  const seen: number[] = [];
  const subscription = alerts.stream
    .pipe(
      lookBack<string, Seen, Seen>(frames, { seconds: 60, broker }, (_, earlier) => earlier),
      mapAsync(({ index }) => new Promise(() => seen.push(index))),
    )
    .subscribe();
  alerts.next('a', 'b');
  await until('it has begun', () => seen.length > 0);
  subscription.unsubscribe();
  await turn();
  expect([seen, alerts.settled]).toEqual([[0], []]);
});

test('options are checked when it is made', () => {
  for (const options of [{ seconds: 0 }, { seconds: Number.NaN }, { seconds: 1, concurrency: 0 }])
    expect(() => lookBack(frames, options, (_, earlier) => earlier)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }) as Error);
});
