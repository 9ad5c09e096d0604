import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBroker, fromPull, mapAsync, MemoryBroker, QoS, toBroker, topic } from 'edgeflow';
import { recordTo, replay } from 'edgeflow/operators';
import fc from 'fast-check';
import { from, lastValueFrom, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { turn } from '../flow/support.js';

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
  await expect(all()).rejects.toEqual(code('SOURCE_MISSING'));
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
  writeFileSync(file(), 'no recording');
  await expect(all()).rejects.toEqual(code('MESSAGE_CORRUPT'));
  truncateSync(file());
  expect(await lastValueFrom(replay(file()).pipe(toArray()))).toEqual([]);
  appendFileSync(file(), 'EF');
  expect(await all()).toEqual([]);
});

test('what cannot be written fails, and wrong options are refused', async () => {
  writeFileSync(join(folder, 'plain'), '');
  await expect(lastValueFrom(from([1]).pipe(recordTo(join(folder, 'plain', 'session.rec'))))).rejects.toEqual(code('STORE_FAILED'));
  expect(() => recordTo('')).toThrow(code('OPTIONS_INVALID'));
  expect(() => replay('x', { speed: 0 })).toThrow(code('OPTIONS_INVALID'));
});

test('a replay at the speed of the recording keeps its times', async () => {
  await record([1]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await record([2]);
  const begun = performance.now();
  expect(await all({ speed: 2 })).toEqual([1, 2]);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(25);
});
