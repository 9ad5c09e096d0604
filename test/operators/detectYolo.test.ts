import { announceDeliveries, deliver } from '#src/flow/delivery.js';
import type { Settlement } from '#src/flow/delivery.js';
import { detectYolo, decodeImage, encodeJpeg, iou } from 'edgeflow/operators';
import type { DetectYoloOptions, Detections, Frame, PolygonPoint, Provider, ReadyModel } from 'edgeflow/operators';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NEVER, Observable, Subject, lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { haveShared, plainFrame, shared, temporaryFolder } from './support.js';
import { elementTypes, graphFile, onnxFile } from './yolo/onnxFile.js';
import type { ElementType, ModelShape } from './yolo/onnxFile.js';

const folder = await temporaryFolder();
let written = 0;

async function model(shape: ModelShape): Promise<string> {
  const path = join(folder, `model-${written++}.onnx`);
  await writeFile(path, onnxFile(shape));
  return path;
}

/** A download that broke off. */
async function truncated(shape: ModelShape): Promise<string> {
  const path = await model(shape);
  const bytes = onnxFile(shape);
  await writeFile(path, bytes.subarray(0, bytes.length - 500));
  return path;
}

/** A model with the right shapes, whose numbers are of these types. */
async function typed(input: ElementType, output: ElementType = input): Promise<string> {
  const path = join(folder, `model-${written++}.onnx`);
  const graph = graphFile({
    inputs: [{ name: 'images', shape: [1, 3, 64, 64], type: input }],
    outputs: [{ name: 'output', shape: [1, 6, 84], type: output }],
    constants: [{ name: 'boxes', dims: [1, 6, 84], values: new Float32Array(6 * 84) }],
    nodes: [{ type: 'Cast', inputs: ['boxes'], output: 'output', attributes: { to: elementTypes[output] } }],
  });
  await writeFile(path, graph);
  return path;
}

/** A provider that this platform's runtime does not have. */
const absent: Provider = process.platform === 'darwin' ? 'dml' : 'coreml';

async function detect(frame: Frame, options: DetectYoloOptions): Promise<Detections> {
  return lastValueFrom(of(frame).pipe(detectYolo(options)));
}

/** 64x64: 84 anchors. Column i is the i-th anchor. */
function v8Values(columns: readonly (readonly number[])[]): Float32Array {
  const rows = columns[0]?.length ?? 0;
  const values = new Float32Array(rows * 84);
  for (const [i, column] of columns.entries()) for (const [row, value] of column.entries()) values[row * 84 + i] = value;
  return values;
}

const names = "{0: 'cat', 1: 'dog'}";
/** Two boxes of a cat, one heap; one of a dog at the same place; one that sticks out to the right. */
const pets: ModelShape = {
  output: [1, 6, 84],
  metadata: { names },
  values: v8Values([
    [32, 32, 16, 16, 0.7, 0.1],
    [33, 32, 16, 16, 0.9, 0.1],
    [32, 32, 16, 16, 0.1, 0.8],
    [60, 32, 20, 16, 0.6, 0.1],
  ]),
};

describe('a model', () => {
  test('gives boxes in pixels of the frame, clipped, with the labels of the file', async () => {
    // 128x64 lies in the 64x64 input at half size, 16 rows from the top.
    const frame = plainFrame(128, 64, { index: 7, time: 123, source: 'cam' });
    const path = await model(pets);
    const found = await detect(frame, { model: path });
    expect(found).toMatchObject({ width: 128, height: 64, time: 123, index: 7, source: 'cam', model: 'model-0' });
    expect(found.objects.map(({ label, classId, box }) => [label, classId, ...box])).toEqual([
      ['cat', 0, 50, 16, 82, 48],
      ['dog', 1, 48, 16, 80, 48],
      ['cat', 0, 100, 16, 128, 48],
    ]);
    expect(found.objects.map(({ score }) => Math.round(score * 10) / 10)).toEqual([0.9, 0.8, 0.6]);
  });

  test('classes, thresholds and labels choose what comes out', async () => {
    const path = pathToFileURL(await model(pets));
    const frame = plainFrame(64, 64, { format: 'gray8' });
    // Keeps the pool: all that follows shares it.
    const keeper = NEVER.pipe(detectYolo({ model: path })).subscribe();
    const labelsOf = async (options: DetectYoloOptions): Promise<string[]> =>
      (await detect(frame, { model: path, ...options })).objects.map(({ label }) => label);
    expect(await labelsOf({ classes: ['dog'] })).toEqual(['dog']);
    expect(await labelsOf({ classes: [] })).toEqual([]);
    expect(await labelsOf({ scoreThreshold: 0.85 })).toEqual(['cat']);
    expect(await labelsOf({ iouThreshold: 1 })).toEqual(['cat', 'dog', 'cat', 'cat']);
    expect(await labelsOf({ maxDetections: 2 })).toEqual(['cat', 'dog']);
    expect(await labelsOf({ labels: ['lion', 'wolf'] })).toEqual(['lion', 'wolf', 'lion']);
    // The cats stand at (33, 40) and (57, 40), the dog at (32, 40).
    const right = [
      [50, 30],
      [64, 30],
      [64, 50],
      [50, 50],
    ] as const;
    const inFractions = right.map(([x, y]) => [x / 64, y / 64] as const);
    expect(await labelsOf({ region: right })).toEqual(['cat']);
    expect(await labelsOf({ region: inFractions })).toEqual(['cat']);
    // What stands elsewhere counts neither among the best nor stops covering what it covers.
    expect(await labelsOf({ region: right, maxDetections: 1 })).toEqual(['cat']);
    const beside = [
      [31.5, 39],
      [32.5, 39],
      [32.5, 41],
      [31.5, 41],
    ] as const;
    expect(await labelsOf({ region: beside })).toEqual(['dog']);
    keeper.unsubscribe();
  });

  test('whose input has no fixed size gets the one asked for', async () => {
    const path = await model({ ...pets, input: [1, 3, 'height', 'width'] });
    expect((await detect(plainFrame(64, 64), { model: path, inputSize: { width: 64, height: 64 } })).objects).toHaveLength(3);
  });

  test('with an objectness, as YOLOv5 has it: the score is the product', async () => {
    const values = new Float32Array(252 * 7);
    values.set([32, 32, 16, 16, 0.9, 0.2, 0.8], 7 * 100);
    const { objects } = await detect(plainFrame(64, 64), { model: await model({ output: [1, 252, 7], values, metadata: { names } }) });
    expect(objects).toEqual([{ label: 'dog', classId: 1, score: expect.closeTo(0.72) as number, box: [24, 24, 40, 40] }]);
  });

  test('with a final list of boxes is taken at its word', async () => {
    const values = new Float32Array(300 * 6);
    values.set([10, 10, 20, 20, 0.9, 1, 11, 10, 21, 20, 0.8, 1]);
    const path = await model({ output: [1, 300, 6], values, metadata: { names } });
    expect((await detect(plainFrame(64, 64), { model: path })).objects.map(({ label }) => label)).toEqual(['dog', 'dog']);
    await expect(detect(plainFrame(64, 64), { model: path, labels: ['one'] })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining('class 1') as string,
    });
  });

  test('takes jpeg frames', async () => {
    const jpeg = await lastValueFrom(of(plainFrame(128, 64)).pipe(encodeJpeg()));
    expect((await detect(jpeg, { model: await model(pets) })).objects).toHaveLength(3);
  });
});

describe('what cannot be used is one error of the stream, as soon as it is subscribed', () => {
  const expected = [
    ['a missing file', () => join(folder, 'nowhere.onnx'), {}, 'MODEL_MISSING', /nowhere\.onnx does not exist/],
    ['a name nobody knows', () => 'yolox-nanu', {}, 'MODEL_MISSING', /did you mean 'yolox-nano'/],
    ['a folder', () => folder + '/', {}, 'MODEL_INVALID', /not a file/],
    ['a file that is no ONNX', () => import.meta.filename, {}, 'MODEL_INVALID', /detectYolo\.test\.ts cannot be used/],
    ['a foreign output', () => model({ output: [1, 1000] }), {}, 'MODEL_INVALID', /'output' \[1, 1000\].*expected \[1, 84, 5\+classes\]/],
    [
      'a foreign input',
      () => model({ output: [1, 6, 84], input: [1, 64, 64, 3] }),
      {},
      'MODEL_INVALID',
      /'images' is \[1, 64, 64, 3\].*NCHW/,
    ],
    ['a damaged file', () => truncated(pets), {}, 'MODEL_INVALID', /cannot be used/],
    [
      'a gray picture',
      () => model({ output: [1, 6, 84], input: [1, 1, 64, 64] }),
      {},
      'MODEL_INVALID',
      /\[1, 1, 64, 64\].*\[1, 3, height, width\]/,
    ],
    [
      'four channels',
      () => model({ output: [1, 6, 84], input: [1, 4, 64, 64] }),
      {},
      'MODEL_INVALID',
      /\[1, 4, 64, 64\].*\[1, 3, height, width\]/,
    ],
    ['no picture', () => model({ output: [1, 6, 84], input: [1, 10] }), {}, 'MODEL_INVALID', /'images' is \[1, 10\]/],
    ['half precision', () => typed('float16'), {}, 'MODEL_INVALID', /'images' is float16; expected one float32 picture/],
    ['an input of bytes', () => typed('uint8'), {}, 'MODEL_INVALID', /'images' is uint8; expected one float32 picture/],
    ['half precision behind it', () => typed('float32', 'float16'), {}, 'MODEL_INVALID', /output is of float16; expected float32/],
    ['whole numbers behind it', () => typed('float32', 'int32'), {}, 'MODEL_INVALID', /output is of int32; expected float32/],
    ['another task', () => model({ ...pets, metadata: { names, task: 'pose' } }), {}, 'MODEL_INVALID', /'pose'.*estimatePose/],
    [
      'a batch that mixes its pictures',
      () => model({ ...pets, input: ['n', 3, 64, 64] }),
      { batch: { max: 2 } },
      'MODEL_INVALID',
      /a run of 2 gives 'output' \[1, 6, 84\]/,
    ],
    ['a batch of a model for one', () => model(pets), { batch: { max: 2 } }, 'OPTIONS_INVALID', /takes one a run.*batch\.max is 2/],
    [
      'only providers that are not here',
      () => model(pets),
      { providers: [absent] },
      'OPTIONS_INVALID',
      /no provider of .*name 'cpu' behind it/,
    ],
    ['a damaged file, for such a provider too', () => truncated(pets), { providers: [absent] }, 'MODEL_INVALID', /cannot be used/],
    ['no labels', () => model({ output: [1, 6, 84] }), { workers: 2 }, 'OPTIONS_INVALID', /2 classes and no names/],
    ['too many labels', () => model(pets), { labels: ['a', 'b', 'c'] }, 'OPTIONS_INVALID', /3 labels.*2 classes/],
    ['an unknown class', () => model(pets), { classes: ['dogs'] }, 'OPTIONS_INVALID', /'dogs'.*did you mean 'dog'/],
  ] as const;
  test.each(expected)('%s', async (_, make, options, code, message) => {
    const errors: unknown[] = [];
    const path = await make();
    await new Promise<void>((resolve) => {
      NEVER.pipe(detectYolo({ model: path, ...options })).subscribe({
        error: (error: unknown) => {
          errors.push(error);
          resolve();
        },
      });
    });
    expect(errors).toEqual([expect.objectContaining({ name: 'EdgeFlowError', code, message: expect.stringMatching(message) as string })]);
  });

  test('a delivery that waits for such a model stays open: the message is not to blame', async () => {
    const settled: Settlement[] = [];
    const frames = new Observable<Frame>((output) => {
      announceDeliveries();
      deliver({ id: '1', onSettled: (settlement) => settled.push(settlement) }, () => {
        output.next(plainFrame(64, 64));
      });
    });
    await expect(lastValueFrom(frames.pipe(detectYolo({ model: await model({ output: [1, 1000] }) })))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
    expect(settled).toEqual([]);
  });

  test.each([
    { scoreThreshold: 2 },
    { iouThreshold: NaN },
    { workers: 0 },
    { workers: 1.5 },
    { maxDetections: 0 },
    { inputSize: { width: 0, height: 64 } },
    { model: new URL('https://example.com/a.onnx') },
    { providers: [] },
    { providers: ['cuda ' as Provider] },
    { batch: { max: 0 } },
    { batch: { max: 2, waitMs: NaN } },
  ])('%j is refused at once', (options) => {
    expect(() => detectYolo(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

test.each<[string, readonly PolygonPoint[], RegExp]>([
  ['two corners', [[0, 0], [1, 1]], /has 2 corners/], // prettier-ignore
  ['no number', [[0, 0], [1, NaN], [1, 1]], /corner \[1, NaN\]/], // prettier-ignore
  ['no list of corners', [1, 2, 3] as never, /has the corner 1;/],
  ['no list', {} as never, /is \{\};/],
  ['half a corner', [[0, 0], [1] as never, [1, 1]], /corner \[1\]/], // prettier-ignore
  ['a bow tie', [[0, 0], [10, 10], [10, 0], [0, 10]], /crosses itself: its edges 1 and 3/], // prettier-ignore
  ['a corner on another edge', [[0, 0], [10, 0], [10, 10], [5, 0], [0, 10]], /crosses itself/], // prettier-ignore
  ['a line', [[0, 0], [5, 5], [10, 10]], /no area/], // prettier-ignore
])('a region that is %s is refused at once', (_, region, message) => {
  expect(() => detectYolo({ region })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringMatching(message) as string }),
  );
});

test('a model is told of when it is ready, and a provider that was passed over', async () => {
  const path = await model(pets);
  const told: ReadyModel[] = [];
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  const options = { model: path, providers: [absent, 'cpu'] } as const;
  await new Promise<void>((resolve) => {
    const streams = NEVER.pipe(detectYolo(options)).subscribe();
    const onReady = (ready: ReadyModel): void => {
      told.push(ready);
      resolve();
      streams.unsubscribe();
    };
    streams.add(NEVER.pipe(detectYolo({ ...options, onReady })).subscribe());
  });
  await expect
    .poll(() => warnings.map(({ message }) => message))
    .toEqual([expect.stringMatching(`'${absent}' cannot be used .*'cpu' runs`)]);
  process.off('warning', listen);
  expect(told).toEqual([
    expect.objectContaining({ path, provider: 'cpu', head: 'yolov8', inputSize: { width: 64, height: 64 }, workers: 1 }),
  ]);
  expect(told[0]?.refused.map(({ provider }) => provider)).toEqual([absent]);
  expect(told[0]?.inputs).toEqual([{ name: 'images', type: 'float32', shape: [1, 3, 64, 64] }]);
  expect(told[0]?.warmUpMs).toBeGreaterThan(0);
});

test('a frame that does not hold what it says fails its delivery, and the stream goes on', async () => {
  const input = new Subject<Frame>();
  const settled: [number, unknown][] = [];
  const frames = new Observable<Frame>((output) => {
    announceDeliveries();
    return input.subscribe((frame) => {
      deliver(
        {
          id: String(frame.index),
          onSettled: ({ failed }) => settled.push([frame.index, (failed?.error as { code?: string } | undefined)?.code]),
        },
        () => {
          output.next(frame);
        },
      );
    });
  });
  const results: number[] = [];
  const path = await model(pets);
  await new Promise<void>((resolve, reject) => {
    frames.pipe(detectYolo({ model: path })).subscribe({
      next: ({ index }) => {
        results.push(index);
        if (index === 3) resolve();
      },
      error: reject,
    });
    input.next(plainFrame(64, 64, { index: 0 }));
    input.next(plainFrame(64, 64, { index: 1, data: new Uint8Array(100) }));
    input.next(plainFrame(64, 64, { index: 2, format: 'jpeg', data: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0) }));
    input.next(plainFrame(64, 64, { index: 3 }));
  });
  expect(results).toEqual([0, 3]);
  await expect
    .poll(() => settled)
    .toEqual([
      [0, undefined],
      [1, 'FRAME_INVALID'],
      [2, 'IMAGE_INVALID'],
      [3, undefined],
    ]);
});

describe.skipIf(!haveShared())('YOLOX-Nano', () => {
  const yolox = shared('models/yolox_nano.onnx');

  test('finds at least 95 % of the expected boxes on the stills, and nothing else', async () => {
    const expected = JSON.parse(await readFile(shared('expected/detections.json'), 'utf8')) as Record<
      string,
      { label: string; score: number; box: [number, number, number, number] }[]
    >;
    const stills = await Promise.all(Object.keys(expected).map((name) => readFile(shared(`media/${name}`))));
    const results = await lastValueFrom(of(...stills).pipe(decodeImage(), detectYolo({ model: yolox, workers: 2 }), toArray()));
    const wanted = Object.values(expected).flatMap((boxes, still) => boxes.map((box) => ({ ...box, still })));
    const matched = wanted.filter(({ still, label, score, box }) =>
      results[still]?.objects.some((found) => found.label === label && Math.abs(found.score - score) <= 0.05 && iou(found.box, box) >= 0.8),
    );
    expect(matched.length / wanted.length).toBeGreaterThanOrEqual(0.95);
    expect(results.reduce((sum, { objects }) => sum + objects.length, 0)).toBeLessThanOrEqual(wanted.length * 1.05);
  });

  test('sees people in every sampled frame of the street', async () => {
    const frames = await sample(shared('media/vtest_20s.mp4'), 768, 576);
    expect(frames).toHaveLength(10);
    const results = await lastValueFrom(of(...frames).pipe(detectYolo({ model: yolox, classes: ['person'] }), toArray()));
    expect(results.map(({ index }) => index)).toEqual(frames.map(({ index }) => index));
    for (const { objects } of results) {
      expect(objects.length).toBeGreaterThan(0);
      expect(new Set(objects.map(({ label }) => label))).toEqual(new Set(['person']));
    }
  });
});

/** A frame every two seconds, by the system's ffmpeg. */
async function sample(path: string, width: number, height: number): Promise<Frame[]> {
  const child = spawn('ffmpeg', ['-v', 'error', '-i', path, '-vf', 'fps=0.5', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const size = width * height * 3;
  return Array.from({ length: bytes.length / size }, (_, index) =>
    plainFrame(width, height, { index, data: bytes.subarray(index * size, (index + 1) * size) }),
  );
}
