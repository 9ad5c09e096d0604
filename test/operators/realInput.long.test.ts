import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBroker, mapAsync, MemoryBroker, QoS, toBroker, topic } from 'edgeflow';
import {
  annotate,
  camera,
  countLine,
  crop,
  dedupe,
  detectYolo,
  encodeJpeg,
  freshWithin,
  loadBlob,
  loadS3,
  notify,
  priority,
  recordTo,
  replay,
  resize,
  sampleEvery,
  smooth,
  speed,
  storeBlob,
  storeS3,
  toCsv,
  toHomeAssistant,
  trackObjects,
  zones,
} from 'edgeflow/operators';
import type { Alert, Detections, Frame, Tracks } from 'edgeflow/operators';
import { from, lastValueFrom, map, tap, toArray } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import S3rver from 's3rver';
import { describe, expect, onTestFinished, test } from 'vitest';
import { streetFrames } from './meaning/streetTracking.js';
import { Mosquitto } from './mosquitto.js';
import { freePort, lacks, setEnv, shared, temporaryFolder, until } from './systemSupport.js';

const film = shared('media/vtest_20s.mp4');
const model = shared('models/yolox_nano.onnx');
const fps = 10;

const all = <A, B>(values: Observable<A> | readonly A[], operator: OperatorFunction<A, B>): Promise<B[]> =>
  lastValueFrom(from(values).pipe(operator, toArray()));

/** The first pictures of the film, at the times at which it was filmed. */
const frames = (count: number): Promise<Frame[]> =>
  all(
    camera({ source: `lavfi:movie=${film.path},trim=end_frame=${count}`, pace: false, name: 'street' }),
    map((frame, index) => ({ ...frame, time: (index * 1000) / fps })),
  );

describe.skipIf(film.absent || model.absent || lacks('ffmpeg'))('on a filmed street', { timeout: 120_000 }, () => {
  let found: Promise<readonly Detections[]> | undefined;
  const detections = (): Promise<readonly Detections[]> =>
    (found ??= frames(200).then((seen) => all(seen, detectYolo({ model: model.path, classes: ['person'], scoreThreshold: 0.1 }))));

  /** How often objects come and go. */
  const changesOf = (values: readonly Tracks[]): number =>
    values.reduce((sum, { objects }, at) => {
      const before = new Set(values[at - 1]?.objects.map(({ id }) => id));
      const now = new Set(objects.map(({ id }) => id));
      return sum + [...now].filter((id) => !before.has(id)).length + [...before].filter((id) => !now.has(id)).length;
    }, 0);

  test('smooth: people flicker less, and none is shown who was not there', async () => {
    const tracks = await all(await detections(), trackObjects());
    const steady = await all(tracks, smooth({ appearMs: 300, disappearMs: 1000 }));
    const ids = new Set(tracks.flatMap(({ objects }) => objects.map(({ id }) => id)));
    expect(steady.flatMap(({ objects }) => objects).every(({ id }) => ids.has(id))).toBe(true);
    console.warn(`smooth: ${changesOf(tracks)} changes become ${changesOf(steady)}`);
    expect(changesOf(steady)).toBeLessThan(0.7 * changesOf(tracks));
  });

  test('zones and countLine: who is in the picture is in a zone of all of it, and who passes changes sides', async () => {
    const everywhere = [[0, 0], [1, 0], [1, 1], [0, 1]] as const; // prettier-ignore
    const tracks = await all(await detections(), trackObjects());
    const inside = await all(tracks, zones({ zones: { everywhere }, minFrames: 1, lostMs: 2000 }));
    for (const { objects } of inside) expect(objects.every((object) => object.zones.length === 1)).toBe(true);
    const entered = inside.flatMap(({ zoneEvents }) => zoneEvents.filter(({ type }) => type === 'enter'));
    expect(new Set(entered.map(({ id }) => id))).toEqual(new Set(tracks.flatMap(({ objects }) => objects.map(({ id }) => id))));
    const line = [[0.5, 0], [0.5, 1]] as const; // prettier-ignore
    const sides = new Map<number, number[]>();
    for (const { objects } of tracks)
      for (const {
        id,
        box: [x1, , x2],
      } of objects)
        sides.set(id, [...(sides.get(id) ?? []), (x1 + x2) / 2 / 768 - 0.5]);
    const passed = [...sides.values()].filter((way) => (way[0] ?? 0) * (way.at(-1) ?? 0) < 0 && Math.abs(way.at(-1) ?? 0) > 0.05);
    const { totals } = (await all(tracks, countLine({ line }))).at(-1) ?? {};
    console.warn(`countLine: ${totals?.in} in, ${totals?.out} out; ${passed.length} tracks end on the other side`);
    expect((totals?.in ?? 0) + (totals?.out ?? 0)).toBeGreaterThanOrEqual(passed.length);
    expect(passed.length).toBeGreaterThan(0);
  });

  test('sampleEvery and dedupe: one a second, and one for each change of how many there are', async () => {
    const seen = await detections();
    expect((await all(seen, sampleEvery(1000))).map(({ time }) => time)).toEqual(Array.from({ length: 20 }, (_, at) => at * 1000));
    const counts = await all(seen, dedupe({ by: ({ objects }) => objects.length, withinMs: 5000 }));
    for (const count of new Set(seen.map(({ objects }) => objects.length))) {
      const times = counts.filter(({ objects }) => objects.length === count).map(({ time }) => time);
      expect(times.every((time, at) => at === 0 || time - (times[at - 1] ?? 0) >= 5000)).toBe(true);
    }
  });

  test('freshWithin: behind a slow consumer only fresh frames are worked on, and the ledger has the others', async () => {
    const broker = new MemoryBroker();
    const name = topic<Frame>('frames');
    await broker.declare({ topic: 'frames', groups: ['slow'] });
    const end = new AbortController();
    const ages: number[] = [];
    const skipped: number[] = [];
    const consumed = lastValueFrom(
      fromBroker(name, QoS.DURABLE, { broker, group: 'slow', stop: end.signal, prefetch: 1 }).pipe(
        freshWithin(150, { onSkip: ({ ageMs }) => skipped.push(ageMs) }),
        tap(({ time }) => ages.push(Date.now() - time)),
        mapAsync(() => new Promise((resolve) => setTimeout(resolve, 60))),
        toArray(),
      ),
    );
    await lastValueFrom(camera({ source: film.path, fps: 50, pace: false, width: 320 }).pipe(toBroker(name, { broker })));
    const acked = async (): Promise<number> => (await broker.stats())[0]?.groups.slow?.acked ?? 0;
    await until('all frames', async () => (await acked()) === ages.length + skipped.length && (await acked()) >= 990);
    end.abort();
    await consumed;
    console.warn(`freshWithin: ${ages.length} worked on, ${skipped.length} too old`);
    expect(ages.every((age) => age <= 200)).toBe(true);
    expect(skipped.every((age) => age > 150)).toBe(true);
    expect(Math.min(ages.length, skipped.length)).toBeGreaterThan(0);
    await broker.close();
  });

  test('priority: what waits of the urgent camera goes first, and no frame of the other is lost', async () => {
    const broker = new MemoryBroker();
    const end = new AbortController();
    const names = ['door', 'yard'] as const;
    for (const name of names) {
      await broker.declare({ topic: name, groups: ['one'] });
      const frames = camera({ source: film.path, pace: false, width: 160, name, fps: 5 });
      await lastValueFrom(frames.pipe(toBroker(topic<Frame>(name), { broker })));
    }
    const order: string[] = [];
    const cameras = names.map((name) => fromBroker(topic<Frame>(name), QoS.DURABLE, { broker, group: 'one', stop: end.signal }));
    const consumed = all(priority(cameras), (values) =>
      values.pipe(
        encodeJpeg(),
        tap(({ source, index }) => order.push(`${source} ${index}`)),
      ),
    );
    await until('all frames', () => order.length === 200);
    end.abort();
    await consumed;
    for (const name of names)
      expect(order.filter((each) => each.startsWith(name))).toEqual(Array.from({ length: 100 }, (_, index) => `${name} ${index}`));
    // Of the yard no more than was taken before the door's first batch came.
    const early = order.slice(0, order.indexOf('door 99')).filter((each) => each.startsWith('yard'));
    console.warn(`priority: ${early.length} frames of the yard before the last of the door`);
    expect(early.length).toBeLessThan(20);
    await broker.close();
  });

  test('pictures, stores, recordings: the pixels are those of the film', async () => {
    const some = await frames(6);
    const directory = temporaryFolder();
    const bytes = (seen: readonly Frame[]): string[] => seen.map(({ data }) => createHash('sha256').update(data).digest('hex'));
    const stored = await all(some, storeBlob({ directory, format: 'raw' }));
    expect(bytes(await all(stored, loadBlob({ directory })))).toEqual(bytes(some));
    const recording = join(directory, 'film.rec');
    await all(some, recordTo(recording));
    expect(bytes(await lastValueFrom(replay<Frame>(recording).pipe(toArray())))).toEqual(bytes(some));
    for (const [name, value] of Object.entries({ AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' })) setEnv(name, value);
    const port = await freePort();
    const server = new S3rver({ port, address: '127.0.0.1', silent: true, directory: temporaryFolder(), configureBuckets: [{ name: 'film', configs: [] }] }); // prettier-ignore
    await server.run();
    onTestFinished(() => server.close());
    const bucket = { bucket: 'film', endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1' };
    const kept = await all(some, storeS3({ ...bucket, format: 'raw' }));
    expect(bytes(await all(kept, loadS3(bucket)))).toEqual(bytes(some));

    // Whoever is cut out of a picture is what the same part of it shows, smaller or not.
    const [seen] = await detections();
    const person = seen?.objects.find(({ score }) => score > 0.5);
    if (!person || !some[0]) throw new Error('nobody is there');
    const [part] = await all(some.slice(0, 1), crop({ box: person.box }));
    const [x, y] = [Math.floor(person.box[0]), Math.floor(person.box[1])];
    const row = some[0].data.subarray((y * 768 + x) * 3, (y * 768 + x + (part?.width ?? 0)) * 3);
    expect(Buffer.compare(part?.data.subarray(0, row.length) ?? new Uint8Array(), row)).toBe(0);
    const marked = await all(some.slice(0, 1), annotate({ frame: (frame) => frame, boxes: () => [person] }));
    expect(Buffer.compare(marked[0]?.data ?? new Uint8Array(), some[0].data)).not.toBe(0);
    const small = await all(some.slice(0, 1), resize({ width: 192 }));
    expect(small).toMatchObject([{ width: 192, height: 144 }]);
    expect(await all(small, encodeJpeg())).toMatchObject([{ format: 'jpeg', width: 192 }]);
  });

  test('toCsv, notify, toHomeAssistant: tell how many people there are', async ({ skip }) => {
    const seen = (await detections()).slice(0, 40);
    const counts = seen.map(({ objects }) => objects.length);
    const file = join(temporaryFolder(), 'counts.csv');
    await all(seen, toCsv({ file, row: ({ index, objects }) => ({ index, persons: objects.length }) }));
    expect(readFileSync(file, 'utf8')).toBe('message_id,index,persons\n' + counts.map((count, index) => `,${index},${count}\n`).join(''));
    const alerts: string[] = [];
    const via = tap(({ message }: Alert) => alerts.push(message));
    await all(seen, notify({ title: 'Street', message: ({ objects }) => `${objects.length}`, key: ({ objects }) => `${objects.length}`, throttleMs: 1e6, via })); // prettier-ignore
    expect(alerts).toEqual([...new Set(counts)].map(String));
    if (lacks('mosquitto_passwd')) return skip('there is no mosquitto');
    const server = await Mosquitto.start();
    const states = await server.watch('edgeflow/street/persons');
    const persons = { component: 'sensor', name: 'Persons', state: ({ objects }: Detections) => objects.length } as const;
    await all(seen, toHomeAssistant({ url: server.url, device: { id: 'street', name: 'Street' }, entities: { persons } }));
    await until('all states', () => states.length >= counts.length);
    expect(states.map(({ text }) => Number(text))).toEqual(counts);
    return undefined;
  });
});

describe('on a generated street', () => {
  test('speed: as fast as things are drawn to move', async () => {
    const street = streetFrames(7, 240);
    // A pixel is 5 cm wherever it is: a map, not a perspective.
    const homography = [32, 0, 0, 0, 18, 0, 0, 0, 1] as const;
    const told = await all(
      street.map(({ detections }) => detections),
      (values) => values.pipe(trackObjects(), speed({ homography, windowMs: 1000 })),
    );
    const errors = told.flatMap(({ objects }, at) =>
      objects.flatMap(({ box, speed: metres }) => {
        const now = street[at]?.truth.find((object) => Math.abs(object.box[2] - box[2]) < 3 && Math.abs(object.box[3] - box[3]) < 3);
        const before = street[at - 15]?.truth.find(({ track }) => track === now?.track);
        // What is cut off by the edge moves otherwise than it is seen to.
        if (metres === undefined || !now || !before || [now, before].some(({ box: [x1, , x2] }) => x1 <= 1 || x2 >= 639)) return [];
        const [dx, dy] = [(now.box[0] + now.box[2] - before.box[0] - before.box[2]) / 2, now.box[3] - before.box[3]];
        const true_ = Math.hypot(dx, dy) * 0.05;
        return true_ < 0.5 ? [] : [Math.abs(metres - true_) / true_];
      }),
    );
    const sorted = errors.toSorted((a, b) => a - b);
    const part = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
    console.warn(`speed: ${sorted.length} speeds, error ${part(0.5).toFixed(3)} in the median, ${part(0.95).toFixed(3)} for 95 %`);
    expect(sorted.length).toBeGreaterThan(100);
    expect(part(0.5)).toBeLessThan(0.05);
    expect(part(0.95)).toBeLessThan(0.2);
  });
});
