import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MemoryBroker } from 'edgeflow';
import { camera, decodeImage, detectYolo, listBlobs } from 'edgeflow/operators';
import type { BlobRef, Detections, Frame } from 'edgeflow/operators';
import { lastValueFrom, skip, of, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { activeLearning } from '#recipes/activeLearning.js';
import { haveShared, shared } from '../operators/support.js';
import { cliOfFile } from '../support/cli.js';
import { linkOf, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();
const start = cliOfFile();
/** 200 frames, 10 a second. */
const source = shared('media/vtest_20s.mp4');
const model = shared('models/yolox_nano.onnx');
const low = 0.4;
const high = 0.5;

/** What the model is unsure of, in every frame, by itself. */
async function unsureFrames(): Promise<Detections[]> {
  const every = camera({ source, pace: false }).pipe(detectYolo({ model, scoreThreshold: low }), toArray());
  return (await lastValueFrom(every)).filter(({ objects }) => objects.some(({ score }) => score >= low && score < high));
}

async function kept(directory: string): Promise<BlobRef[]> {
  const found: BlobRef[] = [];
  for await (const ref of listBlobs(directory)) found.push(ref);
  return found;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.length === b.length ? a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length : Infinity;
}

describe.skipIf(!haveShared())('active learning (needs ../shared)', { timeout: 300_000 }, () => {
  test('keeps exactly the frames with an unsure object, each with its labels beside it', async () => {
    const expected = await unsureFrames();
    const directory = folder.path('unsure');
    const system = activeLearning({ source, model, low, high, fps: 10, pace: false, perHour: 1e9, directory });
    const { ledger } = await (await run(system, new MemoryBroker(), { isolation: 'inline' })).done;

    const pictures = await kept(directory);
    expect(pictures.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
    expect(expected.length).toBeGreaterThan(20);
    expect(expected.length).toBeLessThan(180);
    expect(linkOf(ledger, 'doubter', 'keeper')).toMatchObject({ published: expected.length, acked: expected.length, pending: 0 });
    for (const [place, { path }] of pictures.entries()) {
      const labels = JSON.parse(readFileSync(join(directory, path.replace(/jpg$/, 'json')), 'utf8')) as Detections;
      expect(labels).toMatchObject({ picture: path, objects: expected[place]?.objects });
    }

    // The picture is the frame that its labels are of.
    const middle = pictures[Math.floor(pictures.length / 2)];
    const frame = await lastValueFrom(camera({ source, pace: false }).pipe(skip(middle?.index ?? 0), take(1)));
    const stored: Frame = { ...frame, format: 'jpeg', data: readFileSync(join(directory, middle?.path ?? '')) };
    const picture = await lastValueFrom(of(stored).pipe(decodeImage()));
    expect(meanDifference(picture.data, frame.data)).toBeLessThan(4);
  });

  test('spreads what it keeps over the hour, by the command line', async () => {
    const directory = folder.path('few');
    const options = Object.entries({ source, model, low, high, fps: 10, 'per-hour': 1800, directory });
    const args = [...options.flatMap(([name, value]) => [`--${name}`, String(value)]), '--no-pace'];
    const recipe = resolve(import.meta.dirname, '../../dist/recipes/activeLearning.js');
    const { code, stderr } = await start(['run', recipe, '--reset', '--no-table', '--', ...args]).ended;
    expect([code, stderr]).toEqual([0, '']);

    // Two seconds of the video, at the least, from one to the next.
    const expected = (await unsureFrames()).reduce<number[]>(
      (times, { index }) => (index * 100 - (times.at(-1) ?? -Infinity) >= 2_000 ? [...times, index * 100] : times),
      [],
    );
    expect((await kept(directory)).map(({ time }) => time)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(5);
  });
});
