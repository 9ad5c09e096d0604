import { EdgeFlowError, MemoryBroker, QoS, serveDashboard, System } from 'edgeflow';
import type { DeadLetter, DeadLetterOptions, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { concatMap, interval, map } from 'rxjs';
import { afterEach, expect, test } from 'vitest';
import { encodeValue } from '#src/codec.js';
import { listLetters } from '#src/dashboard/letters.js';
import { Live } from '#src/dashboard/live.js';
import { RecentOverlays } from '#src/dashboard/recentOverlays.js';
import { showValue } from '#src/dashboard/values.js';
import type { LiveItem, Overlay } from '#src/dashboard/wire.js';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(system: System): Promise<RunningSystem> {
  const running = await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
  stops.push(() => running.stop());
  return running;
}

const frame = (source: string, index: number): object => ({
  data: new Uint8Array(12),
  width: 2,
  height: 2,
  format: 'rgb24',
  source,
  index,
});
const overlay = (index: number): Overlay => ({ topic: 'boxes', width: 2, height: 2, index, objects: [], zones: [] });

test('two cameras that share a detector both have their boxes, whose values come in one turn', async () => {
  const system = new System('pair');
  const boxesOf = (source: string, index: number): object => ({
    source,
    index,
    width: 2,
    height: 2,
    objects: [{ label: source, box: [0, 0, 1, 1] }],
  });
  const detector = system.node(
    (frames) =>
      frames.pipe(
        concatMap((value) => {
          const { index } = value as { index: number };
          return [boxesOf('left', index), boxesOf('right', index)];
        }),
      ),
    { name: 'detector' },
  );
  for (const name of ['left', 'right']) {
    const camera = system.node(() => interval(40).pipe(map((index) => frame(name, index))), { name });
    system.link(camera).to(detector, QoS.REALTIME);
  }
  system.link(detector).to(
    system.node((values) => values, { name: 'sink' }),
    QoS.REALTIME,
  );
  const live = new Live(await start(system));
  const seen = new Map([
    ['left', 0],
    ['right', 0],
  ]);
  const labels = new Map<string, unknown>();
  await until('both have boxes', async () => {
    const { items } = await live.next(seen, 320, new AbortController().signal);
    for (const { topic, seq, overlays } of items) {
      seen.set(topic, seq);
      if (overlays.length > 0) labels.set(topic, overlays[0]?.objects[0]?.label);
    }
    return labels.size === 2;
  });
  expect(labels).toEqual(new Map([...seen.keys()].map((name) => [name, name])));
  live.close();
});

test('a picture that is broken does not keep others from being seen, and why is told', async () => {
  const broken = new Uint8Array(200_000);
  broken.set([0xff, 0xd8]);
  const system = new System('broken');
  const pictures: Readonly<Record<string, (index: number) => object>> = {
    good: (index) => frame('good', index),
    bad: (index) => ({ data: broken, width: 4_000, height: 3_000, format: 'jpeg', index }),
  };
  for (const [name, picture] of Object.entries(pictures)) {
    const camera = system.node(() => interval(20).pipe(map(picture)), { name });
    const reader = system.node((values) => values, { name: `of-${name}` });
    system.link(camera).to(reader, QoS.REALTIME);
  }
  const live = new Live(await start(system));
  const items = new Map<string, LiveItem>();
  await until('both are told of', async () => {
    const seen = new Map(['good', 'bad'].map((name) => [name, items.get(name)?.seq ?? 0]));
    for (const item of (await live.next(seen, 320, new AbortController().signal)).items) items.set(item.topic, item);
    return items.size === 2;
  });
  expect(items.get('good')?.bytes).toBeGreaterThan(0);
  expect(items.get('bad')).toMatchObject({ bytes: 0, text: expect.stringMatching(/^This picture cannot be shown: /) as string });
  live.close();
});

test('a topic that cannot be read is told of, and not waited for', async () => {
  const unreachable = new EdgeFlowError('BROKER_UNREACHABLE', 'the broker does not answer');
  const running = {
    graph: () => ({ name: 'away', nodes: [], links: [] }),
    watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(unreachable) }) }),
  };
  const live = new Live(running as unknown as RunningSystem);
  await expect(live.next(new Map([['camera', 7]]), 320, new AbortController().signal)).rejects.toMatchObject({
    status: 503,
    message: 'the broker does not answer',
  });
  live.close();
});

test('boxes are those of the frame that is nearest, and of none that was long ago', () => {
  const found = new RecentOverlays();
  for (const index of [10, 13, 16]) found.add(overlay(index), index * 100);
  expect(found.nearest(13, 1_300)?.index).toBe(13);
  expect(found.nearest(11, 1_300)?.index).toBe(10);
  expect(found.nearest(40, 1_900)?.index).toBe(16);
  expect(found.nearest(undefined, 1_900)?.index).toBe(16);
  expect(found.nearest(16, 9_000)).toBeUndefined();
  for (let index = 100; index < 200; index++) found.add(overlay(index), 1_000);
  expect(found.nearest(10, 1_000)?.index).toBe(184);
});

test('bytes are told, however they lie in a value, and what is long or deep is cut', () => {
  const textOf = (value: unknown): string => showValue(encodeValue(value)).text();
  const shown = textOf({ data: Buffer.alloc(3_000_000), inner: { more: Buffer.alloc(9) } });
  expect(JSON.parse(shown)).toEqual({ data: '3000000 bytes', inner: { more: '9 bytes' } });
  const long = textOf({ list: Array.from({ length: 9_000 }, (_, index) => index), text: 'x'.repeat(9_000) });
  expect(long.length).toBeLessThanOrEqual(4_000);
});

test('dead letters pass through memory a few at a time, and so many bytes of them at most', async () => {
  const payload = new Uint8Array(10_000_000);
  let most = 0;
  const running = {
    deadLetters: (_: string, { after = 0, limit = Infinity }: DeadLetterOptions) => {
      most = Math.max(most, limit);
      return Promise.resolve(
        Array.from({ length: Math.min(limit, 40 - after) }, (__, index) => ({
          letter: after + index + 1,
          error: 'odd',
          meta: payload,
          payload,
        })),
      ) as unknown as Promise<DeadLetter[]>;
    },
  };
  const letters = await listLetters(running as unknown as RunningSystem, 'camera', 0);
  expect(letters.map(({ letter }) => letter)).toEqual([1, 2, 3, 4]);
  expect(most).toBe(4);
});

test('as many browsers wait for pictures as are bounded; one that leaves makes room', async () => {
  const system = new System('busy');
  system.node(() => interval(1_000), { name: 'camera' });
  const running = await start(system);
  const { address } = await serveDashboard(running, { port: 0 });
  const look = `${address}api/live?want=camera:1000000`;
  const leave = new AbortController();
  const waiting = Array.from({ length: 64 }, () => fetch(look, { signal: leave.signal }).catch(() => undefined));
  await until('all wait', async () => (await fetch(look, { signal: AbortSignal.timeout(200) }).catch(() => undefined))?.status === 503);
  leave.abort();
  await Promise.all(waiting);
  await until('there is room', async () => (await fetch(look, { signal: AbortSignal.timeout(200) }).catch(() => undefined)) === undefined);
});
