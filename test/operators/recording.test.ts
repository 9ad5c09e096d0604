import { open } from 'node:fs/promises';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBroker, fromPull, mapAsync, MemoryBroker, QoS, RecordingReader, RecordingWriter, toBroker, topic } from 'edgeflow';
import type { Broker, Recorded } from 'edgeflow';
import { recordTo, replay } from 'edgeflow/operators';
import fc from 'fast-check';
import { from, lastValueFrom, map, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeValue } from '#src/codec.js';
import { recordTopics } from '#src/recording/recordTopics.js';
import { replayTopics } from '#src/recording/replayTopics.js';
import { turn } from '../flow/support.js';
import { sink } from './sinkSupport.js';
import { smallDisk } from './systemSupport.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'edgeflow-test-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, 'deep', 'session.rec');
const record = (values: readonly unknown[]): Promise<unknown[]> => lastValueFrom(from(values).pipe(recordTo(file()), toArray()));
const all = (options = {}): Promise<unknown[]> => lastValueFrom(replay<unknown>(file(), options).pipe(toArray()));
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

test('what a slow REALTIME consumer was given is replayed to a consumer of any speed', async () => {
  const arbitrary = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(arbitrary, arbitrary, async (pauses, slow) => {
      rmSync(file(), { force: true });
      const broker = new MemoryBroker();
      const frames = topic<{ index: number; data: Uint8Array }>('frames');
      await broker.declare({ topic: 'frames', readers: ['yolo'] });
      const end = new AbortController();
      const delivered: number[] = [];
      const consumed = lastValueFrom(
        fromBroker(frames, QoS.REALTIME, { broker, group: 'yolo', stop: end.signal }).pipe(
          recordTo(file()),
          mapAsync(async ({ index }) => {
            delivered.push(index);
            for (let turns = slow[index % slow.length] ?? 0; turns > 0; turns--) await turn();
          }),
        ),
        { defaultValue: undefined },
      );
      const published = fromPull(async function* () {
        for (const [index, turns] of pauses.entries()) {
          for (let left = turns; left > 0; left--) await turn();
          yield { index, data: Uint8Array.of(index, 7) };
        }
      }).pipe(toBroker(frames, { broker }));
      await lastValueFrom(published);
      while (delivered.at(-1) !== pauses.length - 1) await turn();
      end.abort();
      await consumed;
      const replayed: number[] = [];
      await lastValueFrom(
        replay<{ index: number; data: Uint8Array }>(file()).pipe(
          tap(({ index, data }) => {
            expect([...data]).toEqual([index, 7]);
          }),
          mapAsync(async ({ index }) => {
            await turn();
            replayed.push(index);
          }),
        ),
      );
      expect(replayed).toEqual(delivered);
      await broker.close();
    }),
    { numRuns: 15 },
  );
});

test('a recording is continued; a record that was cut off anywhere is left out, and written over', async () => {
  const values = [{ index: 0, data: Buffer.alloc(3_000, 1) }, { index: 1 }, 'two'];
  await record(values);
  const whole = readFileSync(file());
  await record(['three']);
  expect(await all()).toEqual([...values, 'three']);
  const longer = readFileSync(file());
  for (let size = whole.length + 1; size < longer.length; size++) {
    writeFileSync(file(), longer.subarray(0, size));
    expect(await all()).toEqual(values);
  }
  await record(['again']);
  expect(await all()).toEqual([...values, 'again']);
});

test('damage in the middle is an error, as is a file that is none, or is not there', async () => {
  const missing = (message: string) => ({ code: 'SOURCE_MISSING', message: expect.stringContaining(message) as string });
  await expect(all()).rejects.toMatchObject(missing(`replay: there is no file ${file()}; expected a file that recordTo`));
  await expect(lastValueFrom(replay(folder))).rejects.toMatchObject(missing(`replay: ${folder} is a folder; expected`));
  await record(['one', 'two']);
  const bytes = readFileSync(file());
  for (let place = 0; place < 12; place++) {
    writeFileSync(
      file(),
      bytes.map((byte, index) => (index === place + 8 ? byte ^ 1 : byte)),
    );
    await expect(all()).rejects.toEqual(code('MESSAGE_CORRUPT'));
    await expect(record(['more'])).rejects.toEqual(code('MESSAGE_CORRUPT'));
    expect(statSync(file()).size).toBe(bytes.length);
  }
  for (const text of ['no recording', 'notes']) {
    writeFileSync(file(), text);
    await expect(all()).rejects.toEqual(code('MESSAGE_CORRUPT'));
    await expect(record(['more'])).rejects.toEqual(code('MESSAGE_CORRUPT'));
    expect(readFileSync(file(), 'utf8')).toBe(text);
  }
  truncateSync(file());
  expect(await lastValueFrom(replay(file()).pipe(toArray()))).toEqual([]);
  appendFileSync(file(), 'EF');
  expect(await all()).toEqual([]);
});

test('a second writer of a file is refused until the first has closed it; a dead one does not count', async () => {
  mkdirSync(join(folder, 'deep'));
  const first = new RecordingWriter(file());
  const second = new RecordingWriter(file());
  await first.write({ at: 1, value: 'a' });
  await expect(second.write({ at: 2, value: 'b' })).rejects.toEqual(code('STORE_FAILED'));
  await expect(record(['c'])).rejects.toEqual(code('STORE_FAILED'));
  await first.write({ at: 3, value: 'd' });
  void first.close();
  await second.write({ at: 4, value: 'e' });
  await second.close();
  expect(await all()).toEqual(['a', 'd', 'e']);
  expect(readdirSync(join(folder, 'deep'))).toEqual(['session.rec']);
  writeFileSync(`${file()}.lock`, JSON.stringify({ pid: 2 ** 30, started: '1', session: 1 }));
  expect(await record(['f'])).toEqual(['f']);
});

test('what cannot be written fails, and wrong options are refused', async () => {
  writeFileSync(join(folder, 'plain'), '');
  await expect(lastValueFrom(from([1]).pipe(recordTo(join(folder, 'plain', 'session.rec'))))).rejects.toEqual(code('STORE_FAILED'));
  expect(() => recordTo('')).toThrow(code('OPTIONS_INVALID'));
  expect(() => replay('x', { speed: 0 })).toThrow(code('OPTIONS_INVALID'));
  mkdirSync(join(folder, 'deep'));
  const writer = new RecordingWriter(file());
  for (const name of ['door', 'yard']) await writer.write({ at: 1, value: name, from: { topic: name } });
  await writer.close();
  await expect(lastValueFrom(replay(file(), { topic: 'nope' }))).rejects.toMatchObject({
    code: 'OPTIONS_INVALID',
    message: `replay: ${file()} has nothing of topic 'nope'; it has door, yard`,
  });
  await writer.writeTopics(['quiet', 'door']);
  await writer.close();
  expect(await lastValueFrom(replay(file(), { topic: 'quiet' }).pipe(toArray()))).toEqual([]);
  expect(await lastValueFrom(replay(file()).pipe(toArray()))).toEqual(['door', 'yard']);
});

test('a full disk fails the delivery; it is recorded when there is space again, and nothing is torn', async ({ skip }) => {
  const disk = smallDisk('1m');
  if (disk === undefined) return skip('mounting is not permitted');
  const path = join(disk, 'session.rec');
  const { send } = sink(recordTo<{ readonly data: Uint8Array }>(path));
  const big = { data: new Uint8Array(400_000) };
  expect(await send(big, 'first')).toEqual({});
  expect((await send({ data: new Uint8Array(900_000) }, 'huge')).failed?.error).toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining('the disk is full') as string,
  });
  expect(await send(big, 'last')).toEqual({});
  expect(
    await lastValueFrom(
      replay<typeof big>(path).pipe(
        map(({ data }) => data.length),
        toArray(),
      ),
    ),
  ).toEqual([400_000, 400_000]);
});

test('a replay reads on when what it gave is settled', async () => {
  await record([1, 2, 3]);
  const given: unknown[] = [];
  let done = (): void => undefined;
  const work = new Promise<void>((resolve) => (done = resolve));
  const end = lastValueFrom(
    replay(file()).pipe(
      tap((value) => given.push(value)),
      mapAsync(() => work),
    ),
  );
  while (given.length === 0) await turn();
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(given).toEqual([1]);
  done();
  await end;
  expect(given).toEqual([1, 2, 3]);
});

test('a replay at the speed of the recording keeps its times', async () => {
  await record([1]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await record([2]);
  const begun = performance.now();
  expect(await all({ speed: 2 })).toEqual([1, 2]);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(25);
});

/** Does something with what is recorded. */
async function reading<R>(work: (reader: RecordingReader) => Promise<R>): Promise<R> {
  const handle = await open(file());
  try {
    return await work(await RecordingReader.of(file(), handle));
  } finally {
    await handle.close();
  }
}

async function recordsOf(reader: RecordingReader): Promise<Required<Recorded>[]> {
  const records = [];
  for (let record = await reader.next(); record; record = await reader.next()) records.push(record);
  return records;
}

/** What a topic stores: time, metadata and bytes. */
async function stored(broker: Broker, name: string): Promise<unknown[]> {
  const { messages } = await broker.range(name, { limit: 10_000 });
  return messages.map(({ seq, meta, payload }) => [seq, [...meta], [...payload]]);
}

const never = new AbortController().signal;

test('what several topics were given is recorded in one file, merged by time, and replayed as it was', async () => {
  mkdirSync(join(folder, 'deep'));
  const names = ['frames', 'found', 'other'];
  const arbitrary = fc.array(fc.record({ name: fc.nat({ max: 2 }), size: fc.nat({ max: 40 }), turns: fc.nat({ max: 2 }) }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, fc.boolean(), fc.nat({ max: 60 }), async (published, complete, before) => {
      rmSync(file(), { force: true });
      const broker = new MemoryBroker();
      const again = new MemoryBroker();
      for (const each of [broker, again])
        for (const name of names) await each.declare({ topic: name, retain: { bytes: 1e6 }, readers: ['live'] });
      const end = new AbortController();
      const writer = new RecordingWriter(file());
      let recording: ReturnType<typeof recordTopics> | undefined;
      const start = (): void => {
        const options = { signal: end.signal, stored: true, group: complete ? 'recording' : undefined };
        recording ??= recordTopics(broker, names, writer, options);
      };
      for (const [index, { name, size, turns }] of published.entries()) {
        if (index === before) start();
        const value = { index, data: new Uint8Array(size).fill(index) };
        await broker.push(names[name] ?? '', { id: `m${index}`, time: 1_000 + index, ...encodeValue(value) });
        for (let left = turns; left > 0; left--) await turn();
      }
      start();
      end.abort();
      const told = await recording;
      await writer.close();
      expect(told).toEqual(
        names.map((name, place) => ({
          topic: name,
          recorded: published.filter((each) => each.name === place).length,
          missed: 0,
          unreadable: 0,
        })),
      );
      expect((await broker.stats()).flatMap(({ groups, readers }) => [...Object.keys(groups), readers.live?.delivered])).toEqual([0, 0, 0]);
      if (published.length === 0) return;
      const records = await reading(recordsOf);
      expect(new Set(records.map(({ at, from: origin }) => `${at} ${origin.id}`))).toEqual(
        new Set(published.map((_, at) => `${1_000 + at} m${at}`)),
      );
      if (before >= published.length) expect(records.map(({ at }) => at)).toEqual(published.map((_, at) => 1_000 + at));
      await reading((reader) => replayTopics(again, reader, { signal: never, speed: Infinity }));
      for (const name of names) expect(await stored(again, name)).toEqual(await stored(broker, name));
      const found = published.flatMap(({ name }, index) => (name === 1 ? [index] : []));
      const given = (topic: string) => lastValueFrom(replay<{ index: number }>(file(), { topic }).pipe(toArray()));
      expect((await given('found')).map(({ index }) => index)).toEqual(found);
      await expect(given('nope')).rejects.toEqual(code('OPTIONS_INVALID'));
      await broker.close();
      await again.close();
    }),
    { numRuns: 25 },
  );
});

test('a topic that retains nothing is recorded as it is found, and what was missed is counted', async () => {
  mkdirSync(join(folder, 'deep'));
  const broker = new MemoryBroker();
  await broker.declare({ topic: 'frames' });
  const push = (index: number): Promise<unknown> => broker.push('frames', { id: `m${index}`, time: index, ...encodeValue({ index }) });
  for (const index of [1, 2]) await push(index);
  const end = new AbortController();
  const writer = new RecordingWriter(file());
  let progress = 0;
  const recording = recordTopics(broker, ['frames'], writer, { signal: end.signal, onProgress: () => progress++ });
  await turn();
  // One after the other without a turn between: a look finds the last one alone.
  await Promise.all([3, 4, 5].map(push));
  while (progress === 0) await turn();
  await push(6);
  end.abort();
  expect(await recording).toEqual([{ topic: 'frames', recorded: 2, missed: 2, unreadable: 0 }]);
  await writer.close();
  expect(await all()).toEqual([{ index: 5 }, { index: 6 }]);
  await expect(recordTopics(broker, ['gone'], writer, { signal: end.signal })).rejects.toEqual(code('OPTIONS_INVALID'));
  const elsewhere = { signal: never, speed: Infinity };
  await expect(reading((reader) => replayTopics(broker, reader, { ...elsewhere, as: 'gone' }))).rejects.toEqual(code('OPTIONS_INVALID'));
  await expect(reading((reader) => replayTopics(broker, reader, { ...elsewhere, lockstep: true }))).rejects.toThrow(/no REALTIME reader/);
});

test('with the skips of then, a consumer of any speed is given exactly what the node was given', async () => {
  const arbitrary = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(arbitrary, arbitrary, arbitrary, async (pauses, slow, slowAgain) => {
      const own = join(folder, 'yolo.rec');
      for (const each of [file(), own]) rmSync(each, { force: true });
      mkdirSync(join(folder, 'deep'), { recursive: true });
      /** A REALTIME consumer, with what it was given. */
      const consume = (broker: Broker, turns: readonly number[], recorded?: string) => {
        const stop = new AbortController();
        const given: number[] = [];
        const values = fromBroker<{ index: number }>('frames', QoS.REALTIME, { broker, group: 'yolo', stop: stop.signal });
        const ended = lastValueFrom(
          (recorded === undefined ? values : values.pipe(recordTo(recorded))).pipe(
            mapAsync(async ({ index }) => {
              given.push(index);
              for (let left = turns[index % turns.length] ?? 0; left > 0; left--) await turn();
            }),
          ),
          { defaultValue: undefined },
        );
        return { given, end: () => (stop.abort(), ended) };
      };
      const broker = new MemoryBroker();
      await broker.declare({ topic: 'frames', readers: ['yolo'], retain: { bytes: 1e6 } });
      const first = consume(broker, slow, own);
      for (const [index, turns] of pauses.entries()) {
        await broker.push('frames', { id: `m${index}`, time: index, ...encodeValue({ index }) });
        for (let left = turns; left > 0; left--) await turn();
      }
      while (first.given.at(-1) !== pauses.length - 1) await turn();
      await first.end();
      const writer = new RecordingWriter(file());
      await recordTopics(broker, ['frames'], writer, { signal: AbortSignal.abort(), stored: true });
      await writer.close();

      const handle = await open(own);
      const only = new Set((await recordsOf(await RecordingReader.of(own, handle))).flatMap(({ from: { id } }) => id ?? []));
      await handle.close();
      const again = new MemoryBroker();
      await again.declare({ topic: 'frames', readers: ['yolo'] });
      const second = consume(again, slowAgain);
      await reading((reader) => replayTopics(again, reader, { signal: never, speed: Infinity, lockstep: true, only }));
      await second.end();
      expect(second.given).toEqual(first.given);
      await broker.close();
      await again.close();
    }),
    { numRuns: 15 },
  );
});
