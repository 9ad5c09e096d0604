import { announceDeliveries, deliver } from '#src/flow/delivery.js';
import { JobQueue } from '#operators/inference/jobQueue.js';
import { openPools } from '#operators/inference/pool.js';
import { decodeImage, detectYolo } from 'edgeflow/operators';
import type { DetectYoloOptions, Detections, Frame } from 'edgeflow/operators';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Observable, Subject, lastValueFrom, merge, of, toArray } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { haveShared, plainFrame, shared, temporaryFolder, until } from '../support.js';
import { onnxFile } from '../yolo/onnxFile.js';
import { withDynamicBatch } from './dynamicBatch.js';

const folder = await temporaryFolder();

afterEach(() => until(() => openPools().length === 0));

describe('the queue of jobs', () => {
  test('gives a full run at once, another when its first job has waited', () => {
    vi.useFakeTimers();
    try {
      const taken: string[][] = [];
      const take = (): void => {
        const jobs = queue.take();
        if (jobs.length > 0) taken.push(jobs);
      };
      const queue = new JobQueue<string>({ max: 2, waitMs: 20 }, take);
      const add = (job: string): void => {
        queue.add(job);
        take();
      };
      add('a');
      add('b');
      expect(taken).toEqual([['a', 'b']]);
      vi.advanceTimersByTime(15);
      add('c');
      vi.advanceTimersByTime(19);
      expect(taken).toHaveLength(1);
      vi.advanceTimersByTime(1);
      expect(taken).toEqual([['a', 'b'], ['c']]);
      add('d');
      expect([queue.remove('d'), queue.remove('d')]).toEqual([true, false]);
      vi.advanceTimersByTime(100);
      expect(taken).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

/** A camera whose deliveries are told when they settle. */
function camera(
  name: string,
  settled: string[],
): { readonly send: (brightness: number, index: number) => void; readonly frames: Observable<Frame> } {
  const input = new Subject<Frame>();
  const frames = new Observable<Frame>((output) => {
    announceDeliveries();
    return input.subscribe((frame) => {
      const onSettled = ({ failed }: { readonly failed?: { readonly error: unknown } }): void => {
        settled.push(`${name}${frame.index}${failed ? ` ${(failed.error as { code: string }).code}` : ''}`);
      };
      deliver({ id: `${name}${frame.index}`, onSettled }, () => {
        output.next(frame);
      });
    });
  });
  const send = (brightness: number, index: number): void => {
    const data = new Uint8Array(64 * 64 * 3).fill(brightness);
    input.next(plainFrame(64, 64, { index, source: name, data }));
  };
  return { send, frames };
}

test('frames of several cameras share runs; each gets its own boxes and settles by itself', async () => {
  // All numbers are multiplied by the frame's brightness: 1, or 0.5 for 127.5. The third box is infinite.
  const values = new Float32Array(6 * 84);
  for (const [i, column] of [
    [32, 32, 16, 16, 0.9, 0],
    [32, 32, 16, 16, 0.1, 0.8],
    [Infinity, 32, 8, 8, 0.7, 0],
  ].entries())
    // prettier-ignore
    for (const [row, value] of column.entries()) values[row * 84 + i] = value;
  const path = join(folder, 'scaled.onnx');
  await writeFile(path, onnxFile({ input: ['batch', 3, 64, 64], output: [1, 6, 84], values, scaled: true }));
  const options: DetectYoloOptions = { model: path, labels: ['cat', 'dog'], scoreThreshold: 0.42, batch: { max: 2, waitMs: 1 } };

  const settled: string[] = [];
  const results: Detections[] = [];
  const door = camera('door', settled);
  const yard = camera('yard', settled);
  const subscription = merge(door.frames.pipe(detectYolo(options)), yard.frames.pipe(detectYolo(options))).subscribe((found) =>
    results.push(found),
  );
  const [pool] = openPools();
  const runs: number[] = [];
  if (pool) pool.onRun = (jobs) => void runs.push(jobs);
  await pool?.opened;
  door.send(128, 0);
  yard.send(255, 0);
  yard.send(128, 1);
  door.send(128, 1);
  await until(() => settled.length === 4);
  // Bright: the infinite box counts, and its frame alone fails. Half as bright: half the place, half the size, half the score.
  expect([...settled].sort()).toEqual(['door0', 'door1', 'yard0 INFERENCE_FAILED', 'yard1']);
  expect(results.filter(({ source }) => source === 'door').map(({ index }) => index)).toEqual([0, 1]);
  for (const { objects } of results) {
    expect(objects.map(({ label }) => label)).toEqual(['cat']);
    expect(objects[0]?.score).toBeCloseTo((0.9 * 128) / 255, 4);
    expect(objects[0]?.box.map(Math.round)).toEqual([12, 12, 20, 20]);
  }
  expect(runs).toEqual([2, 2]);
  subscription.unsubscribe();
});

describe.skipIf(!haveShared())('YOLOX-Nano', () => {
  test('finds on stills that share a run what it finds on each, and in a region what stands there', async () => {
    const pictures = await Promise.all(['dog.jpg', 'vtest_f200.jpg', 'messi5.jpg'].map((name) => readFile(shared(`media/${name}`))));
    const single = shared('models/yolox_nano.onnx');
    const together = join(folder, 'yolox-dynamic.onnx');
    await writeFile(together, withDynamicBatch(await readFile(single)));
    const detect = (options: DetectYoloOptions): Promise<Detections[]> =>
      lastValueFrom(of(...pictures).pipe(decodeImage(), detectYolo(options), toArray()));
    // The left half, in fractions.
    const region = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]] as const; // prettier-ignore
    const [alone, left, batched] = await Promise.all([
      detect({ model: single }),
      detect({ model: single, region }),
      detect({ model: together, batch: { max: 3, waitMs: 60_000 } }),
    ]);
    expect(batched.map(({ objects }) => objects.map(({ label }) => label))).toEqual(
      alone.map(({ objects }) => objects.map(({ label }) => label)),
    );
    for (const [still, { objects }] of batched.entries())
      for (const [i, { box, score }] of objects.entries()) {
        const other = alone[still]?.objects[i];
        expect(Math.abs(score - (other?.score ?? 0))).toBeLessThan(1e-3);
        for (const [side, value] of box.entries()) expect(Math.abs(value - (other?.box[side] ?? 0))).toBeLessThan(0.1);
      }
    expect(batched.reduce((sum, { objects }) => sum + objects.length, 0)).toBeGreaterThan(10);

    const inLeft = alone.map(({ objects, width }) => objects.filter(({ box: [x1, , x2] }) => (x1 + x2) / 2 < width / 2));
    expect(left.map(({ objects }) => objects)).toEqual(inLeft);
    expect(inLeft.flat().length).toBeGreaterThan(2);
    expect(inLeft.flat().length).toBeLessThan(alone.flatMap(({ objects }) => objects).length);
  });
});
