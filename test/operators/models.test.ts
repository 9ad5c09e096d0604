import { openPools } from '#operators/inference/pool.js';
import { decode } from '#operators/yolo/decode.js';
import { recogniseHead } from '#operators/yolo/heads.js';
import { Letterbox } from '#operators/yolo/letterbox.js';
import { toSource } from '#operators/yolo/letterboxGeometry.js';
import { nms } from '#operators/yolo/nms.js';
import { fillPlanes, partOf } from '#operators/classify/resample.js';
import { parseKeypointShape, poseHeadOfShape } from '#operators/yolo/poseHeads.js';
import { classify, crop, decodeImage, detectYolo, estimatePose, infer } from 'edgeflow/operators';
import type {
  Box,
  ClassifyOptions,
  EstimatePoseOptions,
  Frame,
  InferOptions,
  Poses,
  ReadyModel,
  TensorData,
  Tensors,
} from 'edgeflow/operators';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NEVER, lastValueFrom, of, toArray } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import sharp from 'sharp';
import { afterEach, describe, expect, test } from 'vitest';
import { haveShared, plainFrame, shared, temporaryFolder, until } from './support.js';
import { graphFile, onnxFile } from './yolo/onnxFile.js';
import { throughBroker } from './throughBroker.js';
import type { Graph, ModelShape } from './yolo/onnxFile.js';

const folder = await temporaryFolder();
let written = 0;

async function file(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `model-${written++}.onnx`);
  await writeFile(path, bytes);
  return path;
}

function one<T, R>(value: T, operator: OperatorFunction<T, R>): Promise<R> {
  return lastValueFrom(of(value).pipe(operator));
}

/** Keeps a pool open, so that all that follows shares its thread. */
async function whileOpen(operator: OperatorFunction<never, unknown>, work: () => Promise<void>): Promise<void> {
  const keeper = NEVER.pipe(operator).subscribe();
  try {
    await work();
  } finally {
    keeper.unsubscribe();
  }
}

function failure(code: string, message: RegExp): unknown {
  return expect.objectContaining({ name: 'EdgeFlowError', code, message: expect.stringMatching(message) as string });
}

// The last to leave closes: no pool and no thread is left by any test.
afterEach(() => until(() => openPools().length === 0));

describe('estimatePose', () => {
  /** A frame of 128x64 lies in the 64x64 input at half size, 16 rows from the top. */
  const frame = plainFrame(128, 64, { index: 3, source: 'gym' });

  function poseValues(columns: readonly (readonly number[])[]): Float32Array {
    const values = new Float32Array((columns[0]?.length ?? 0) * 84);
    for (const [i, column] of columns.entries()) for (const [row, value] of column.entries()) values[row * 84 + i] = value;
    return values;
  }
  /** 17 keypoints, each a pixel further to the right. */
  const points = Array.from({ length: 17 }, (_, k) => [20 + k, 30, k / 17]).flat();
  const person: ModelShape = {
    output: [1, 56, 84],
    values: poseValues([
      [32, 32, 16, 16, 0.9, ...points],
      [33, 32, 16, 16, 0.8, ...points.map((value) => value + 1)],
      [60, 32, 8, 8, 0.7, ...points.map(() => 100)],
    ]),
  };
  const estimate = (options: EstimatePoseOptions): Promise<Poses> => one(frame, estimatePose(options));

  test('YOLOv8-pose: suppressed, in pixels of the frame, clipped, with the names of COCO', async () => {
    const model = await file(onnxFile(person));
    await whileOpen(estimatePose({ model }), async () => {
      const { objects, index, source, width } = await estimate({ model });
      expect([index, source, width]).toEqual([3, 'gym', 128]);
      expect(objects.map(({ label, box }) => [label, ...box])).toEqual([
        ['person', 48, 16, 80, 48],
        ['person', 112, 24, 128, 40],
      ]);
      const [first, second] = objects;
      expect(first?.keypoints).toHaveLength(17);
      expect(first?.keypoints[0]).toEqual({ name: 'nose', x: 40, y: 28, score: 0 });
      expect(first?.keypoints[16]).toMatchObject({ name: 'right ankle', x: 72, y: 28 });
      expect(first?.keypoints[16]?.score).toBeCloseTo(16 / 17);
      expect(second?.keypoints[5]).toMatchObject({ x: 128, y: 64 });
      const region = [[0, 0], [0.7, 0], [0.7, 1], [0, 1]] as const; // prettier-ignore
      expect((await estimate({ model, region })).objects).toHaveLength(1);
      expect((await estimate({ model, iouThreshold: 1 })).objects).toHaveLength(3);
      await expect(estimate({ model, keypoints: ['tail'] })).rejects.toEqual(failure('OPTIONS_INVALID', /1 keypoints were named.* has 17/));
    });
  });

  test('an end-to-end head, with what the file says of classes and keypoints', async () => {
    const values = new Float32Array(300 * 10);
    values.set([10, 20, 30, 40, 0.9, 1, 12, 22, 14, 24], 10);
    const metadata = { names: "{0: 'cat', 1: 'dog'}", kpt_shape: '[2, 2]', task: 'pose' };
    const model = await file(onnxFile({ output: [1, 300, 10], values, metadata }));
    const { objects } = await estimate({ model, keypoints: ['head', 'tail'] });
    expect(objects).toEqual([
      {
        label: 'dog',
        classId: 1,
        score: expect.closeTo(0.9) as number,
        box: [20, 8, 60, 48],
        keypoints: [
          { name: 'head', x: 24, y: 12, score: 1 },
          { name: 'tail', x: 28, y: 16, score: 1 },
        ],
      },
    ]);
  });

  test('a keypoint that is no number fails its frame; a plain detector is refused', async () => {
    const broken = new Float32Array(person.values ?? []);
    broken[(5 + 3) * 84] = NaN;
    await expect(estimate({ model: await file(onnxFile({ ...person, values: broken })) })).rejects.toEqual(
      failure('INFERENCE_FAILED', /keypoint 1 .*NaN/),
    );
    await expect(estimate({ model: await file(onnxFile({ output: [1, 300, 6] })) })).rejects.toEqual(
      failure('MODEL_INVALID', /\[1, 300, 6\].*use detectYolo/),
    );
  });

  test.each([
    ['YOLOv8n-pose', [1, 56, 8400], undefined, { kind: 'yolov8', classes: 1, keypoints: { count: 17, dims: 3 } }],
    ['YOLO26n-pose', [1, 300, 57], undefined, { kind: 'endToEnd', keypoints: { count: 17, dims: 3 } }],
    ['two classes', [1, 4 + 2 + 8, 8400], '[4, 2]', { kind: 'yolov8', classes: 2, keypoints: { count: 4, dims: 2 } }],
    ['another count than the file says', [1, 300, 57], '[5, 3]', undefined],
    ['a detector', [1, 84, 8400], '[17, 3]', { kind: 'yolov8', classes: 29 }],
    ['a list of boxes', [1, 300, 6], undefined, undefined],
  ])('%s is told by its shape', (_, dims, said, head) => {
    const known = said === undefined ? undefined : parseKeypointShape(said);
    const found = poseHeadOfShape(dims, { width: 640, height: 640 }, known);
    if (head) expect(found).toMatchObject(head);
    else expect(found).toBeUndefined();
  });
});

describe('classify', () => {
  /** Each class's number is the mean of one plane: what the model gets can be read from what it gives. */
  const means: Graph = {
    inputs: [{ name: 'images', shape: ['batch', 3, 'height', 'width'] }],
    outputs: [{ name: 'output', shape: ['batch', 3] }],
    nodes: [
      { type: 'ReduceMean', inputs: ['images'], output: 'rows', attributes: { axes: [3], keepdims: 0 } },
      { type: 'ReduceMean', inputs: ['rows'], output: 'output', attributes: { axes: [2], keepdims: 0 } },
    ],
  };
  const labels = ['red', 'green', 'blue'];
  const plain = { mean: [0, 0, 0], std: [1, 1, 1], softmax: false } as const;
  const coloured = (colour: readonly number[], width = 40, height = 30): Frame =>
    plainFrame(width, height, {
      index: 2,
      source: 'door',
      data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3] ?? 0),
    });

  test('tells the best classes of what is scaled and normalised as asked for', async () => {
    const model = await file(graphFile(means));
    const scores = async (frame: Frame, options: Partial<ClassifyOptions>): Promise<[string, number][]> => {
      const { classes } = await one(frame, classify({ model, labels, ...options }));
      return classes.map(({ label, score }) => [label, Math.round(score * 1000) / 1000]);
    };
    const frame = coloured([51, 204, 102]);
    await whileOpen(classify({ model, labels, ...plain }), async () => {
      expect(await one(frame, classify({ model, labels, ...plain, topK: 1 }))).toEqual({
        classes: [{ label: 'green', classId: 1, score: expect.closeTo(0.8, 4) as number }],
        ...{ width: 40, height: 30, time: 1, index: 2, source: 'door', model: 'model-4' },
      });
      expect(await scores(frame, plain)).toEqual([['green', 0.8], ['blue', 0.4], ['red', 0.2]]); // prettier-ignore
      // e^0.8 / (e^0.8 + e^0.4 + e^0.2)
      expect((await scores(frame, { ...plain, softmax: 'auto' }))[0]).toEqual(['green', 0.451]);
      expect(await scores(coloured([0, 255, 0]), { ...plain, softmax: 'auto' })).toEqual([['green', 1], ['red', 0], ['blue', 0]]); // prettier-ignore
      expect(await scores(plainFrame(9, 9, { format: 'gray8', data: new Uint8Array(81).fill(51) }), plain)).toEqual(
        labels.map((label) => [label, 0.2]),
      );
      await expect(scores(frame, { ...plain, labels: ['one'] })).rejects.toEqual(
        failure('OPTIONS_INVALID', /classify: 1 labels.*3 classes/),
      );
    });
    expect(await scores(frame, { softmax: false })).toEqual([
      ['green', Math.round(((0.8 - 0.456) / 0.224) * 1000) / 1000],
      ['blue', Math.round(((0.4 - 0.406) / 0.225) * 1000) / 1000],
      ['red', Math.round(((0.2 - 0.485) / 0.229) * 1000) / 1000],
    ]);
    expect(await scores(frame, { ...plain, channelOrder: 'bgr' })).toEqual([['green', 0.8], ['red', 0.4], ['blue', 0.2]]); // prettier-ignore
  });

  describe('by objects', () => {
    interface Seen {
      readonly frame: Frame;
      readonly found: readonly { readonly box: Box; readonly track: number }[];
    }
    const see = (...boxes: Box[]): Seen => ({ frame: quarters, found: boxes.map((box, track) => ({ box, track })) });
    /** 64x48: red and green above, blue and gray below. */
    const quarters = plainFrame(64, 48, {
      index: 5,
      data: Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => {
        const quarter = (i % (64 * 3) < 32 * 3 ? 0 : 1) + (i < 24 * 64 * 3 ? 0 : 2);
        return quarter === 3 ? 51 : i % 3 === quarter ? 255 : 0;
      }),
    });
    const pick = { frame: ({ frame }: Seen) => frame, objects: ({ found }: Seen) => found };

    test('each object keeps what it had and gets its classes, as its part cut out would', async () => {
      const model = await file(graphFile(means));
      const boxes: Box[] = [[0, 0, 32, 24], [40, 2, 60, 20], [3.5, 30, 20, 47.2], [30, 20, 50, 30], [-10, 40, 10, 60], [70, 0, 80, 9], [5, 5, 5, 9]]; // prettier-ignore
      const { objects, ...told } = await one(see(...boxes), classify({ model, labels, ...plain, ...pick }));
      expect(told).toEqual({ width: 64, height: 48, time: 1, index: 5, source: 'test', model: expect.any(String) as string });
      expect(objects.map(({ box, track }) => ({ box, track }))).toEqual(see(...boxes).found);
      expect(objects.slice(0, 3).map(({ classes }) => classes[0])).toEqual([
        { label: 'red', classId: 0, score: expect.closeTo(1, 5) as number },
        { label: 'green', classId: 1, score: expect.closeTo(1, 5) as number },
        { label: 'blue', classId: 2, score: expect.closeTo(1, 5) as number },
      ]);
      // Outside of the picture, and without an area.
      expect(objects.slice(5).map(({ classes }) => classes)).toEqual([[], []]);
      const parts = of(see(...boxes)).pipe(
        crop({ frame: pick.frame, boxes: ({ found }) => found.map(({ box }) => box) }),
        classify({ model, labels, ...plain, crop: 'stretch' }),
        toArray(),
      );
      expect(objects.slice(0, 5).map(({ classes }) => classes)).toEqual((await lastValueFrom(parts)).map(({ classes }) => classes));
      // A quarter with a margin of its own size: all four quarters in the share in which they are seen.
      const [wide] = (await one(see([16, 12, 32, 24]), classify({ model, labels, ...plain, ...pick, margin: 1 }))).objects;
      const shares = wide?.classes.map(({ label, score }) => [label, Math.round(score * 100)] as const) ?? [];
      expect(Object.fromEntries(shares)).toEqual({ red: 47, green: 24, blue: 24 });
      expect((await one(see(), classify({ model, labels, ...plain, ...pick }))).objects).toEqual([]);
    });

    test('a box that is none fails its value', async () => {
      const model = await file(graphFile(means));
      const operator = classify({ model, labels, ...pick });
      await expect(one(see([0, 0, 9, 9], [0, NaN, 9, 9]), operator)).rejects.toEqual(failure('BOX_INVALID', /classify: a box is \[0, NaN/));
      expect(() => classify({ model, ...pick, margin: -1 })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    });

    test('the objects of a frame share runs where the model takes several', async () => {
      /** All numbers are how many pictures the run has. */
      const counting = (batch: number | string): Graph => ({
        inputs: [{ name: 'images', shape: [batch, 3, 8, 8] }],
        outputs: [{ name: 'output', shape: [batch, 3] }],
        constants: [{ name: 'zero', dims: [], values: [0] }, { name: 'one', dims: [], values: [1] }], // prettier-ignore
        nodes: [
          { type: 'ReduceMean', inputs: ['images'], output: 'means', attributes: { axes: [2, 3], keepdims: 0 } },
          { type: 'Mul', inputs: ['means', 'zero'], output: 'zeros' },
          { type: 'Add', inputs: ['zeros', 'one'], output: 'ones' },
          { type: 'ReduceL1', inputs: ['ones'], output: 'count', attributes: { axes: [0], keepdims: 1 } },
          { type: 'Add', inputs: ['zeros', 'count'], output: 'output' },
        ],
      });
      const runs = async (bytes: Uint8Array, options: Partial<ClassifyOptions> = {}): Promise<(number | undefined)[]> => {
        const boxes = Array.from({ length: 20 }, (_, i): Box => [i, i, i + 8, i + 8]);
        const { objects } = await one(see(...boxes), classify({ model: await file(bytes), labels, ...plain, ...pick, ...options }));
        return objects.map(({ classes }) => classes[0]?.score);
      };
      const all = (...counts: number[]): number[] => counts.flatMap((count) => Array.from({ length: count }, () => count));
      expect(await runs(graphFile(counting('n')))).toEqual(all(16, 4));
      expect(await runs(graphFile(counting('n')), { batch: { max: 8 } })).toEqual(all(8, 8, 4));
      expect(await runs(graphFile(counting(1)))).toEqual(Array.from({ length: 20 }, () => 1));
      // Open at its input alone.
      expect(await runs(onnxFile({ input: ['n', 3, 8, 8], output: [1, 3], values: [7, 0, 0] }))).toEqual(
        Array.from({ length: 20 }, () => 7),
      );
    });
  });

  test('a model that gives no numbers fails the frame; one that is no classifier ends the stream', async () => {
    const input = { input: [1, 3, 64, 64], output: [1, 3] };
    const model = await file(onnxFile({ ...input, values: [1, NaN, 0] }));
    await expect(one(coloured([1, 2, 3]), classify({ model, labels }))).rejects.toEqual(failure('INFERENCE_FAILED', /NaN for class 1/));
    const boxes = await file(onnxFile({ output: [1, 6, 84] }));
    await expect(one(coloured([1, 2, 3]), classify({ model: boxes, labels }))).rejects.toEqual(
      failure('MODEL_INVALID', /\[1, 6, 84\].*expected float32 \[1, classes\]/),
    );
  });

  test.each([{ topK: 0 }, { crop: 0 }, { std: [1, 0, 1] as const }, { mean: [0, NaN, 0] as const }, { workers: 65 }])(
    '%j is refused at once',
    (options) => {
      expect(() => classify({ model: 'm.onnx', ...options })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    },
  );

  test('the part that is looked at has the proportions of the input, and lies in the middle', () => {
    expect(partOf({ width: 640, height: 480 }, { width: 224, height: 224 }, 0.875)).toEqual({ x: 110, y: 30, width: 420, height: 420 });
    expect(partOf({ width: 640, height: 480 }, { width: 224, height: 224 }, undefined)).toEqual({ x: 0, y: 0, width: 640, height: 480 });
  });

  test.skipIf(!haveShared())('pictures are scaled as by a library for it', async () => {
    const input = { width: 224, height: 224 };
    const { data, info } = await sharp(shared('media/dog.jpg')).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const expected = await sharp(shared('media/dog.jpg')).removeAlpha().resize(224, 224, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false }).raw().toBuffer(); // prettier-ignore
    const tensor = new Float32Array(3 * 224 * 224);
    const picture = { width: info.width, height: info.height, channels: 3, pixels: data } as const;
    fillPlanes(tensor, picture, input, { mean: [0, 0, 0], std: [1, 1, 1], channelOrder: 'rgb', cropShare: undefined });
    let difference = 0;
    for (let i = 0; i < 224 * 224; i++)
      for (let c = 0; c < 3; c++) difference += Math.abs((tensor[c * 224 * 224 + i] ?? 0) * 255 - (expected[i * 3 + c] ?? 0));
    // In steps of 255, on average over the picture.
    expect(difference / tensor.length).toBeLessThan(1);
  });
});

describe('infer', () => {
  const types = ['float32', 'uint8', 'int64'] as const;
  const echo: Graph = {
    inputs: types.map((type) => ({ name: type, type, shape: type === 'float32' ? [2, 'n'] : ['n'] })),
    outputs: types.map((type) => ({ name: `${type}-out`, type, shape: type === 'float32' ? [2, 'n'] : ['n'] })),
    nodes: types.map((type) => ({ type: 'Identity', inputs: [type], output: `${type}-out` })),
  };
  const good = (): Record<string, TensorData> => ({
    float32: { data: Float32Array.of(1, 2, 3, 4), dims: [2, 2] },
    uint8: { data: Uint8Array.of(7, 8, 9), dims: [3] },
    int64: { data: BigInt64Array.of(5n), dims: [1] },
  });

  test('takes and gives several tensors of several types, and tells which one does not fit', async () => {
    const model = await file(graphFile(echo));
    const told: ReadyModel[] = [];
    const run = (tensors: TensorData | Tensors, options: Partial<InferOptions<number, Tensors>> = {}): Promise<Tensors> =>
      one(4, infer<number, Tensors>({ model, prepare: () => tensors, interpret: (outputs) => outputs, ...options }));
    await whileOpen(infer({ model, prepare: good, interpret: () => 0, onReady: (ready) => told.push(ready) }), async () => {
      const tensors = good();
      expect(await run(tensors)).toEqual({
        'float32-out': { data: Float32Array.of(1, 2, 3, 4), dims: [2, 2] },
        'uint8-out': { data: Uint8Array.of(7, 8, 9), dims: [3] },
        'int64-out': { data: BigInt64Array.of(5n), dims: [1] },
      });
      expect(tensors.float32?.data).toHaveLength(4);
      expect(await one(4, infer({ model, prepare: async () => good(), interpret: (outputs, value) => [Object.keys(outputs).length, value] }))).toEqual([3, 4]); // prettier-ignore
      expect(told).toEqual([expect.objectContaining({ provider: 'cpu', head: undefined, inputSize: undefined })]);

      const { float32, uint8, int64 } = good();
      const wrong: [TensorData | Tensors, RegExp][] = [
        [good().uint8 ?? good(), /one tensor without a name.*'float32', 'uint8', 'int64'/],
        [{ float32, uint8 } as Tensors, /no tensor for the input 'int64'; expected int64 \[n\]/],
        [{ ...good(), uint9: good().uint8 } as Tensors, /'uint9', which is no input.*did you mean 'uint8'/],
        [
          { float32, int64, uint8: float32 } as Tensors,
          /'uint8' was given float32 \[2, 2\]; expected uint8 \[n\], whose array is Uint8Array/,
        ],
        [
          { ...good(), float32: { data: new Float32Array(6), dims: [3, 2] } },
          /'float32' was given float32 \[3, 2\]; expected float32 \[2, n\]/,
        ],
        [{ ...good(), float32: { data: new Float32Array(5), dims: [2, 2] } }, /float32 \[2, 2\], but 5 numbers; expected 4/],
        [{ ...good(), uint8: { data: new Uint8Array(0), dims: [0] } }, /uint8 \[0\]; expected whole numbers from 1/],
      ];
      for (const [tensors, message] of wrong) await expect(run(tensors)).rejects.toEqual(failure('TENSOR_INVALID', message));

      // Handed over: empty here, and no use a second time.
      const handed = good();
      await run(handed, { transfer: true });
      expect(handed.float32?.data).toHaveLength(0);
      // A part of a larger block is copied out, and the block stays.
      const block = Buffer.from([1, 2, 3, 4, 5]);
      const shared = new BigInt64Array(new SharedArrayBuffer(16)).fill(6n);
      const parts = { ...good(), uint8: { data: block.subarray(1, 3), dims: [2] }, int64: { data: shared, dims: [2] } };
      expect(await run(parts, { transfer: true })).toMatchObject({
        'uint8-out': { data: Uint8Array.of(2, 3), dims: [2] },
        'int64-out': { data: BigInt64Array.of(6n, 6n), dims: [2] },
      });
      expect([...block]).toEqual([1, 2, 3, 4, 5]);
      await expect(run(good(), { interpret: () => { throw new RangeError('mine'); } })).rejects.toThrow('mine'); // prettier-ignore
    });
    expect(await run(good(), { outputs: ['uint8-out'] })).toEqual({ 'uint8-out': { data: Uint8Array.of(7, 8, 9), dims: [3] } });
    await expect(run(good(), { outputs: ['mask'] })).rejects.toEqual(failure('OPTIONS_INVALID', /'mask'; expected some of float32-out/));
  });

  test('a model for types that are not taken is refused', async () => {
    const half = { name: 'x', type: 'float16', shape: [1] } as const;
    const model = await file(
      graphFile({ inputs: [half], outputs: [{ ...half, name: 'y' }], nodes: [{ type: 'Identity', inputs: ['x'], output: 'y' }] }),
    );
    await expect(one(1, infer({ model, prepare: good, interpret: () => 0 }))).rejects.toEqual(
      failure('MODEL_INVALID', /the input 'x' is of float16; expected float32/),
    );
  });

  test.skipIf(!haveShared())('runs YOLOX-Nano on stills, with code of the user’s own, to what detectYolo finds', async () => {
    const model = shared('models/yolox_nano.onnx');
    const input = { width: 416, height: 416 };
    const pictures = await Promise.all(['dog.jpg', 'vtest_f200.jpg', 'messi5.jpg'].map((name) => readFile(shared(`media/${name}`))));
    const letterbox = (frame: Frame): { readonly box: Letterbox; readonly geometry: ReturnType<Letterbox['fill']> } => {
      const box = new Letterbox(input, 'yolox');
      return { box, geometry: box.fill(frame.data, frame, 3) };
    };
    const own = infer({
      model,
      transfer: true,
      prepare: (frame: Frame) => ({ images: { data: letterbox(frame).box.tensor, dims: [1, 3, 416, 416] } }),
      interpret: ({ output }, frame) => {
        const { head } = recogniseHead([{ name: 'output', dims: output?.dims ?? [] }], input);
        const { geometry } = letterbox(frame);
        return nms(decode(output?.data as Float32Array, head, input, 0.5), 0.45, 300).map(({ box, classId }) => [
          classId,
          ...toSource(box, geometry),
        ]);
      },
    });
    const frames = of(...pictures).pipe(decodeImage());
    const [found, expected] = await Promise.all([
      lastValueFrom(frames.pipe(own, toArray())),
      lastValueFrom(frames.pipe(detectYolo({ model }), toArray())),
    ]);
    expect(found).toEqual(expected.map(({ objects }) => objects.map(({ classId, box }) => [classId, ...box])));
    expect(found.flat().length).toBeGreaterThan(10);
  });
});

describe('what cannot be used fails its own delivery, and the stream goes on', () => {
  const operators: [string, () => Promise<OperatorFunction<Frame, unknown>>][] = [
    ['classify', async () => classify({ model: await file(onnxFile({ output: [1, 3], values: [0, 1, 2] })), labels: ['a', 'b', 'c'] })],
    ['estimatePose', async () => estimatePose({ model: await file(onnxFile({ output: [1, 56, 84] })) })],
    ['detectYolo', async () => detectYolo({ model: await file(onnxFile({ output: [1, 300, 6] })), labels: ['a'] })],
  ];
  const wrong: Partial<Frame>[] = [
    { data: new Uint8Array(7) },
    { width: 0, data: new Uint8Array() },
    { height: 100_000 },
    { format: 'yuv420p' as 'rgb24' },
    { format: 'jpeg', data: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0) },
  ];

  test.each(operators)('%s: frames', async (_, make) => {
    const good = plainFrame(64, 64);
    const { results, failures } = await throughBroker([good, ...wrong.map((changes) => ({ ...good, ...changes })), good], await make());
    expect(results).toHaveLength(2);
    expect(failures.map((text) => /^[A-Z]+_[A-Z]+/.exec(text)?.[0])).toEqual([...Array<string>(4).fill('FRAME_INVALID'), 'IMAGE_INVALID']);
  });

  test('infer: values of which no tensor can be made', async () => {
    const model = await file(onnxFile({ output: [1, 3], values: [0, 1, 2] }));
    const prepare = (side: number): TensorData => ({ data: new Float32Array(3 * 64 * side), dims: [1, 3, 64, side] });
    const { results, failures } = await throughBroker([64, 63, -1, 64], infer({ model, prepare, interpret: () => 0 }));
    expect(results).toHaveLength(2);
    expect(failures).toEqual([expect.stringContaining('TENSOR_INVALID'), expect.stringContaining('Invalid typed array length')]);
  });
});
