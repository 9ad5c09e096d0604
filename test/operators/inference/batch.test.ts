import { announceDeliveries, deliver } from '#src/flow/delivery.js';
import { JobQueue } from '#operators/inference/jobQueue.js';
import { openPools } from '#operators/inference/pool.js';
import { classify, decodeImage, detectYolo, estimatePose, infer } from 'edgeflow/operators';
import type { ClassifyOptions, DetectYoloOptions, Detections, EstimatePoseOptions, Frame, InferOptions, Tensors } from 'edgeflow/operators';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NEVER, Observable, Subject, from, lastValueFrom, map, merge, of, toArray } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { haveShared, plainFrame, shared, temporaryFolder, until } from '../support.js';
import { graphFile, onnxFile } from '../yolo/onnxFile.js';
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

/** Values whose deliveries are told when they settle. */
function source<T>(name: string, settled: string[]): { readonly send: (value: T) => void; readonly values: Observable<T> } {
  const input = new Subject<T>();
  let count = 0;
  const values = new Observable<T>((output) => {
    announceDeliveries();
    return input.subscribe((value) => {
      const id = `${name}${count++}`;
      const onSettled = ({ failed }: { readonly failed?: { readonly error: unknown } }): void => {
        settled.push(`${id}${failed ? ` ${(failed.error as { code: string }).code}` : ''}`);
      };
      deliver({ id, onSettled }, () => {
        output.next(value);
      });
    });
  });
  const send = (value: T): void => {
    input.next(value);
  };
  return { send, values };
}

/** A camera whose deliveries are told when they settle. */
function camera(
  name: string,
  settled: string[],
): { readonly send: (brightness: number, index: number) => void; readonly frames: Observable<Frame> } {
  const { send, values: frames } = source<Frame>(name, settled);
  return { frames, send: (brightness, index) => send(gray(brightness, { index, source: name })) };
}

function gray(brightness: number, changes: Partial<Frame> = {}): Frame {
  return plainFrame(64, 64, { data: new Uint8Array(64 * 64 * 3).fill(brightness), ...changes });
}

/** Tells of the only open pool, when it is ready, how many jobs each run has. */
async function runsOfPool(): Promise<number[]> {
  const [pool] = openPools();
  const runs: number[] = [];
  if (pool) pool.onRun = (jobs) => void runs.push(jobs);
  await pool?.opened;
  return runs;
}

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, bytes);
  return path;
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
  const path = await file('scaled', onnxFile({ input: ['batch', 3, 64, 64], output: [1, 6, 84], values, scaled: true }));
  const options: DetectYoloOptions = { model: path, labels: ['cat', 'dog'], scoreThreshold: 0.42, batch: { max: 2, waitMs: 1 } };

  const settled: string[] = [];
  const results: Detections[] = [];
  const door = camera('door', settled);
  const yard = camera('yard', settled);
  const subscription = merge(door.frames.pipe(detectYolo(options)), yard.frames.pipe(detectYolo(options))).subscribe((found) =>
    results.push(found),
  );
  const runs = await runsOfPool();
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

test('estimatePose: as detectYolo', async () => {
  const values = new Float32Array(11 * 84);
  for (const [row, value] of [32, 32, 16, 16, 0.9, 30, 20, 0.8, 40, 20, Infinity].entries()) values[row * 84] = value;
  const model = await file('poses', onnxFile({ input: ['batch', 3, 64, 64], output: [1, 11, 84], values, scaled: true }));
  const options: EstimatePoseOptions = { model, scoreThreshold: 0.42, keypoints: ['head', 'tail'], batch: { max: 3, waitMs: 60_000 } };
  const settled: string[] = [];
  const { send, frames } = camera('gym', settled);
  const subscription = frames.pipe(estimatePose(options)).subscribe();
  const runs = await runsOfPool();
  // The second keypoint's score is infinite where its object counts: not in the dark.
  for (const [index, brightness] of [255, 100, 90].entries()) send(brightness, index);
  await until(() => settled.length === 3);
  expect(settled).toEqual(['gym0 INFERENCE_FAILED', 'gym1', 'gym2']);
  expect(runs).toEqual([3]);
  subscription.unsubscribe();
});

describe('classify', () => {
  /** Each class's number is the logarithm of a plane's mean: of black it is infinite. */
  const logarithms = graphFile({
    inputs: [{ name: 'images', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'output', shape: ['batch', 3] }],
    nodes: [
      { type: 'ReduceMean', inputs: ['images'], output: 'mean', attributes: { axes: [2, 3], keepdims: 0 } },
      { type: 'Log', inputs: ['mean'], output: 'output' },
    ],
  });
  const plain = { labels: ['red', 'green', 'blue'], mean: [0, 0, 0], std: [1, 1, 1], softmax: false, topK: 1 } as const;

  test('frames of several cameras share runs, give what they give alone, and settle by themselves', async () => {
    const model = await file('logarithms', logarithms);
    const options: ClassifyOptions = { model, ...plain, batch: { max: 2, waitMs: 60_000 } };
    const brightness = [64, 0, 128, 255];
    const settled: string[] = [];
    const scores = new Map<string, number | undefined>();
    const door = camera('door', settled);
    const yard = camera('yard', settled);
    const subscription = merge(door.frames.pipe(classify(options)), yard.frames.pipe(classify(options))).subscribe(
      ({ source: name, index, classes }) => scores.set(`${name}${index}`, classes[0]?.score),
    );
    const runs = await runsOfPool();
    for (const [index, each] of brightness.entries()) {
      door.send(each, index);
      yard.send(each / 2, index);
      await until(() => settled.length === 2 * index + 2);
    }
    subscription.unsubscribe();
    expect(runs).toEqual([2, 2, 2, 2]);
    expect([...settled].sort()).toEqual(['door0', 'door1 INFERENCE_FAILED', 'door2', 'door3', 'yard0', 'yard1 INFERENCE_FAILED', 'yard2', 'yard3']); // prettier-ignore
    const seen = brightness.filter((each) => each > 0);
    const alone = await lastValueFrom(from(seen).pipe(map((each) => gray(each)), classify({ model, ...plain }), toArray())); // prettier-ignore
    expect(['door0', 'door2', 'door3'].map((name) => scores.get(name))).toEqual(alone.map(({ classes }) => classes[0]?.score));
  });
});

describe('infer', () => {
  /** A row of a table by its number: a number that there is no row of fails the run. */
  const lookUp = graphFile({
    inputs: [{ name: 'number', type: 'int64', shape: ['n'] }],
    outputs: [{ name: 'row', shape: ['n', 2] }],
    constants: [{ name: 'table', dims: [3, 2], values: [0, 1, 10, 11, 20, 21] }],
    nodes: [{ type: 'Gather', inputs: ['table', 'number'], output: 'row' }],
  });
  const numbers = (data: bigint[]): Tensors => ({ number: { data: BigInt64Array.from(data), dims: [data.length] } });

  test('the value that makes a run fail does so alone, with the message that it gets by itself', async () => {
    const model = await file('table', lookUp);
    const options: InferOptions<bigint, unknown[]> = {
      ...{ model, batch: { max: 4, waitMs: 60_000 } },
      prepare: (value) => numbers(value < 0n ? [0n, 1n] : [value]),
      interpret: ({ row }, value) => [value, row?.dims, [...(row?.data ?? [])]],
    };
    const settled: string[] = [];
    const results: unknown[] = [];
    const { send, values } = source<bigint>('v', settled);
    const subscription = values.pipe(infer(options)).subscribe((result) => results.push(result));
    const runs = await runsOfPool();
    send(-1n);
    for (const value of [2n, 7n, 0n, 1n]) send(value);
    await until(() => settled.length === 5);
    subscription.unsubscribe();
    expect([...settled].sort()).toEqual(['v0 TENSOR_INVALID', 'v1', 'v2 INFERENCE_FAILED', 'v3', 'v4']);
    expect(results).toEqual([[2n, [1, 2], [20, 21]], [0n, [1, 2], [0, 1]], [1n, [1, 2], [10, 11]]]); // prettier-ignore
    expect(runs).toEqual([4]);
    const alone = lastValueFrom(of(7n).pipe(infer({ ...options, batch: { max: 1 } })));
    await expect(alone).rejects.toMatchObject({ code: 'INFERENCE_FAILED', message: expect.stringMatching(/Gather.*out of/) as string });
  });

  test('values of other sizes share no run, but the wait; what was handed over before fails alone', async () => {
    const type = 'uint8';
    const shape = ['n', 'width'];
    const model = await file('echo', graphFile({ inputs: [{ name: 'in', type, shape }], outputs: [{ name: 'out', type, shape }], nodes: [{ type: 'Identity', inputs: ['in'], output: 'out' }] })); // prettier-ignore
    const options: InferOptions<Uint8Array, number[]> = {
      ...{ model, transfer: true, batch: { max: 2, waitMs: 60_000 } },
      prepare: (data) => ({ data, dims: [1, data.length] }),
      interpret: ({ out }) => [...(out?.data as Uint8Array)],
    };
    const settled: string[] = [];
    const results: number[][] = [];
    const sources = ['a', 'b', 'c'].map((name) => source<Uint8Array>(name, settled));
    const streams = sources.map(({ values }) => values.pipe(infer(options)));
    const subscription = merge(...streams).subscribe((result) => results.push(result));
    const runs = await runsOfPool();
    const twice = Uint8Array.of(1, 2);
    // The second run takes what the third has too, and which was whole when that was checked.
    const sent = [[Uint8Array.of(3, 4, 5), Uint8Array.of(6)], [twice, Uint8Array.of(7, 8)], [twice, Uint8Array.of(9)]]; // prettier-ignore
    for (const [index, each] of sent.entries()) for (const data of each) sources[index]?.send(data);
    await until(() => settled.length === 6);
    subscription.unsubscribe();
    expect([...settled].sort()).toEqual(['a0', 'a1', 'b0', 'b1', 'c0 INFERENCE_FAILED', 'c1']);
    expect(results).toEqual([[3, 4, 5], [6], [1, 2], [7, 8], [9]]);
    expect(runs).toEqual([2, 2, 2, 1, 1]);
  });
});

describe('a batch that a model cannot take is one error of the stream', () => {
  const batch = { max: 2 };
  const own = { prepare: () => ({}), interpret: () => 0 };
  const one = onnxFile({ output: [1, 3] });
  const mixing = onnxFile({ input: ['n', 3, 64, 64], output: [1, 3] });
  const scalar = graphFile({ inputs: [{ name: 'x', shape: [] }], outputs: [{ name: 'y', shape: [] }], nodes: [{ type: 'Identity', inputs: ['x'], output: 'y' }] }); // prettier-ignore
  test.each<[string, Uint8Array, (model: string) => OperatorFunction<never, unknown>, string, RegExp]>([
    ['classify, one', one, (model) => classify({ model, batch }), 'OPTIONS_INVALID', /takes one a run.*batch\.max is 2/],
    ['classify, mixed', mixing, (model) => classify({ model, batch }), 'MODEL_INVALID', /a run of 2 gives 'output' \[1, 3\]/],
    ['infer, one', one, (model) => infer({ model, batch, ...own }), 'OPTIONS_INVALID', /takes one a run.*batch\.max is 2/],
    ['infer, mixed', mixing, (model) => infer({ model, batch, ...own }), 'MODEL_INVALID', /a run of 2 gives 'output' \[1, 3\]/],
    ['infer, no side', scalar, (model) => infer({ model, batch, ...own }), 'OPTIONS_INVALID', /'x' is \[\] and has no first side/],
  ])('%s', async (name, bytes, operator, code, message) => {
    const path = await file(name, bytes);
    await expect(lastValueFrom(NEVER.pipe(operator(path)))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
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
