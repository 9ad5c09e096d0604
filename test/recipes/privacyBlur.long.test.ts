import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MemoryBroker, QoS, System } from 'edgeflow';
import { camera, decodeImage, detectYolo } from 'edgeflow/operators';
import type { Box, Detections, Frame } from 'edgeflow/operators';
import { privacyBlur } from 'edgeflow/recipes/privacyBlur';
import { filter, from, ignoreElements, lastValueFrom, takeWhile, tap, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { haveShared, shared } from '../operators/support.js';
import { freePort, lacks, temporaryFolder, until } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { compiled, runWatched } from './watch.js';

const start = cliOfFile();
const model = shared('models/yolox_nano.onnx');

/** A street, for two minutes: a busy machine has time to look at enough of it. */
function longStreet(): string {
  const film = join(temporaryFolder(), 'street.mp4');
  execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', '5', '-i', shared('media/vtest_20s.mp4'), '-c', 'copy', film]);
  return film;
}

const personsIn = (frames: readonly Frame[], scoreThreshold: number): Promise<Detections[]> =>
  lastValueFrom(from(frames).pipe(detectYolo({ model, classes: ['person'], scoreThreshold }), toArray()));

const inside = ([x1, y1, x2, y2]: Box, x: number, y: number, margin = 0): boolean =>
  x >= x1 - margin * (x2 - x1) && x < x2 + margin * (x2 - x1) && y >= y1 - margin * (y2 - y1) && y < y2 + margin * (y2 - y1);

/** Mean difference of two pictures, of 255, where `where` is true. */
function difference(a: Frame, b: Frame, where: (x: number, y: number) => boolean): number {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < a.height; y++)
    for (let x = 0; x < a.width; x++) {
      if (!where(x, y)) continue;
      const at = (y * a.width + x) * 3 + 1;
      sum += Math.abs((a.data[at] ?? 0) - (b.data[at] ?? 0));
      count++;
    }
  return count === 0 ? 0 : sum / count;
}

/** How far the fine detail of a picture tells that of another, in a box: the correlation of differences between neighbours. */
function detailTold(original: Frame, shown: Frame, [x1, y1, x2, y2]: Box): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let y = Math.ceil(y1); y < Math.min(original.height, y2); y++)
    for (let x = Math.ceil(x1); x < Math.min(original.width - 1, x2); x++) {
      const at = (y * original.width + x) * 3 + 1;
      const a = (original.data[at + 3] ?? 0) - (original.data[at] ?? 0);
      const b = (shown.data[at + 3] ?? 0) - (shown.data[at] ?? 0);
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
  return ab / Math.sqrt(aa * bb + 1);
}

describe.skipIf(lacks('ffmpeg') || !haveShared())('privacyBlur', () => {
  test('nobody is to be seen in what a second camera plays, and the street is', { timeout: 300_000 }, async () => {
    const source = longStreet();
    const port = await freePort();
    const covered: Frame[] = [];
    await runWatched(privacyBlur({ source, model, port }), { covered: (frame: Frame) => covered.push(frame) });

    // Another system, which knows the address alone.
    const viewer = new System('viewer', { isolation: 'inline' });
    const again = viewer.node(() => camera({ source: `http://127.0.0.1:${port}/video.mjpg`, onEvent: () => undefined }), { name: 'again' });
    const played: Frame[] = [];
    const eyes = viewer.node(
      (_, { input }) =>
        input<Frame>('again').pipe(
          tap((frame) => played.push(frame)),
          ignoreElements(),
        ),
      { name: 'eyes' },
    );
    viewer.link(again).to(eyes, QoS.DURABLE);
    const viewing = await viewer.run({ broker: new MemoryBroker(), handleSignals: false });
    onTestFinished(() => viewing.stop());
    for (const count of [1, 4, 7, 10, 13]) await until(`${count} pictures`, () => played.length >= count && covered.length >= count);
    await viewing.stop();

    const shown = await lastValueFrom(from(covered.slice()).pipe(decodeImage(), toArray()));
    const wanted = new Set(shown.map(({ index }) => index));
    const last = Math.max(...wanted);
    const originals = await lastValueFrom(
      camera({ source, pace: false }).pipe(
        takeWhile(({ index }) => index <= last),
        filter(({ index }) => wanted.has(index)),
        toArray(),
      ),
    );
    expect(originals.map(({ index }) => index)).toEqual(shown.map(({ index }) => index));

    const persons = await personsIn(originals, 0.5);
    const maybe = await personsIn(originals, 0.15);
    for (const [at, original] of originals.entries()) {
      const picture = shown[at];
      const found = persons[at]?.objects ?? [];
      if (!picture) throw new Error('a picture is missing');
      expect(found.length).toBeGreaterThan(0);
      // What tells one person from another is gone; as it was, the picture tells all of it.
      for (const { box } of found) expect(detailTold(original, picture, box)).toBeLessThan(0.3);
      // Beyond what was covered now or lately, there is what JPEG leaves.
      const near = maybe.slice(Math.max(0, at - 4), at + 1).flatMap(({ objects }) => objects);
      expect(difference(original, picture, (x, y) => !near.some(({ box }) => inside(box, x, y, 0.3)))).toBeLessThan(3);
    }
    // The detector itself finds nobody any more.
    expect((await personsIn(shown, 0.5)).flatMap(({ objects }) => objects)).toEqual([]);
    // What is played is what was covered.
    for (const frame of played) {
      expect(frame).toMatchObject({ width: 768, height: 576 });
      expect(Math.min(...shown.map((other) => difference(frame, other, (x, y) => x % 4 === 0 && y % 4 === 0)))).toBeLessThan(2);
    }
  });
});

test('it can be run by the command line', async () => {
  const { code, stdout } = await start(['graph', compiled('privacyBlur'), '--', '--classes', '["person","car"]']).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/camera.*covered.*restream/s);
});
