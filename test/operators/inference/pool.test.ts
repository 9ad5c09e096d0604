import type { DetectJob } from '#operators/yolo/detectorKind.js';
import type { InferenceThread } from '#operators/inference/inferenceThread.js';
import type { PoolSettings } from '#operators/inference/pool.js';
import { joinPool, openPools } from '#operators/inference/pool.js';
import { detectYolo } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NEVER, Subject, from, lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { plainFrame, temporaryFolder, until } from '../support.js';
import { onnxFile } from '../yolo/onnxFile.js';

const folder = await temporaryFolder();
const labels = ['thing'];
const select = { scoreThreshold: 0.5, iouThreshold: 0.5, maxDetections: 10, classIds: undefined };
const job: DetectJob = { picture: { width: 64, height: 64, channels: 3, pixels: new Uint8Array(64 * 64 * 3) }, select };
const { signal } = new AbortController();

/** A model of one class that takes its time: each product of 512x512 matrices is 0.8 billion operations. */
async function model(name: string, work: number): Promise<string> {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, onnxFile({ input: [1, 3, 512, 512], output: [1, 5, 5376], work }));
  return path;
}
const quick = await model('quick', 1);
const slow = await model('slow', 12);

afterEach(() => until(() => openPools().length === 0));

function settings(path: string, workers = 1): PoolSettings<'detect'> {
  const options = { task: 'detect', inputSize: { width: 640, height: 640 } } as const;
  return { kind: 'detect', model: path, workers, providers: ['cpu'], batch: { max: 1, waitMs: 0 }, options };
}

describe('the event loop', () => {
  test('keeps turning while the model runs', async () => {
    const frames = new Subject<Frame>();
    const results: number[] = [];
    const subscription = frames.pipe(detectYolo({ model: slow, labels })).subscribe(({ index }) => results.push(index));
    await openPools()[0]?.opened;
    let turns = 0;
    let timers = 0;
    const timer = setInterval(() => timers++, 1);
    frames.next(plainFrame(512, 512));
    while (results.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    clearInterval(timer);
    subscription.unsubscribe();
    // A run on this thread would let it turn a handful of times, whatever the machine's speed.
    expect(turns).toBeGreaterThan(100);
    expect(timers).toBeGreaterThan(3);
  });
});

describe('the pool', () => {
  test('is given the next value while the model runs, and no more', async () => {
    const frames = new Subject<Frame>();
    const results: number[] = [];
    const subscription = frames.pipe(detectYolo({ model: quick, labels })).subscribe(({ index }) => results.push(index));
    const [pool] = openPools();
    const before: number[] = [];
    if (pool) {
      const run = pool.run.bind(pool);
      pool.run = (...args) => {
        before.push(results.length);
        return run(...args);
      };
    }
    await pool?.opened;
    for (let index = 0; index < 4; index++) frames.next({ ...plainFrame(512, 512), index });
    await until(() => results.length === 4);
    subscription.unsubscribe();
    // Of each value: how many results there were when it came to the pool.
    expect(before).toEqual([0, 0, 1, 2]);
  });

  test('is shared by streams of the same model and workers, and closed by the last to leave', async () => {
    const one = NEVER.pipe(detectYolo({ model: quick, labels, scoreThreshold: 0.3 })).subscribe();
    const two = NEVER.pipe(detectYolo({ model: quick, labels })).subscribe();
    const other = NEVER.pipe(detectYolo({ model: quick, labels, workers: 2 })).subscribe();
    const [shared, own] = openPools();
    expect(openPools()).toHaveLength(2);
    await Promise.all([shared?.opened, own?.opened]);
    expect([shared?.threads.size, own?.threads.size]).toEqual([1, 2]);
    one.unsubscribe();
    one.unsubscribe();
    other.unsubscribe();
    expect(openPools()).toEqual([shared]);
    two.unsubscribe();
    expect(openPools()).toEqual([]);
    await until(() => shared?.threads.size === 0 && own?.threads.size === 0);
  });

  test('nothing is opened before subscribe', () => {
    NEVER.pipe(detectYolo({ model: quick }));
    expect(openPools()).toEqual([]);
  });

  test('leaving while frames are queued and running ends the threads in order', async () => {
    const { pool, leave } = joinPool(settings(slow));
    await pool.opened;
    const abort = new AbortController();
    const codes: (number | null)[] = [];
    for (const { worker } of pool.threads) worker.on('exit', (code) => codes.push(code));
    const running = pool.run(job, abort.signal);
    const queued = pool.run(job, abort.signal);
    abort.abort(new Error('unsubscribed'));
    leave();
    await expect(queued).rejects.toThrow('unsubscribed');
    await expect(running).resolves.toEqual([]);
    await until(() => pool.threads.size === 0);
    expect(codes).toEqual([0]);
  });

  test('leaving while the model loads ends the threads too', async () => {
    const { pool, leave } = joinPool(settings(slow));
    await until(() => pool.threads.size === 1);
    leave();
    await until(() => pool.threads.size === 0);
  });

  test('with two workers, results keep the order of the frames', async () => {
    const sizes = [2000, 8, 1500, 16, 8, 900, 8];
    const frames = sizes.map((side, index) => plainFrame(side, side, { index }));
    const results = await lastValueFrom(from(frames).pipe(detectYolo({ model: quick, labels, workers: 2 }), toArray()));
    expect(results.map(({ index, width }) => [index, width])).toEqual(sizes.map((side, index) => [index, side]));
  });
});

/** A request that is none ends a worker by an uncaught error, before it looks at the next. */
function crash(thread: Pick<InferenceThread<'detect'>, 'worker'> | undefined): void {
  thread?.worker.postMessage(null);
}

describe('a worker that crashes', () => {
  test('fails its frame with a clear error, and is replaced', async () => {
    const { pool, leave } = joinPool(settings(slow));
    await pool.opened;
    const [first] = pool.threads;
    crash(first);
    const lost = pool.run(job, signal);
    const waiting = pool.run(job, signal);
    await expect(lost).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringContaining('ended unexpectedly') as string,
    });
    await expect(waiting).resolves.toEqual([]);
    expect(pool.threads).not.toContain(first);
    leave();
  });

  test('while idle, is replaced as well', async () => {
    const { pool, leave } = joinPool(settings(quick));
    await pool.opened;
    const [first] = pool.threads;
    crash(first);
    await first?.ended;
    await expect(pool.run(job, signal)).resolves.toEqual([]);
    leave();
  });

  test('when its model is gone by then, the stream fails', async () => {
    const path = await model('vanishing', 1);
    const failed = lastValueFrom(NEVER.pipe(detectYolo({ model: path, labels })));
    const [pool] = openPools();
    await pool?.opened;
    await writeFile(path, 'no longer a model');
    for (const thread of pool?.threads ?? []) crash(thread);
    await expect(failed).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

test.each([
  ['process.exit', 'process.exit(7)', 7],
  ['an uncaught error', "setImmediate(() => { throw new Error('boom'); })", 1],
])('%s in the middle of a run ends the process with its own exit code', async (_, end, code) => {
  const script = `
    import { joinPool } from '#operators/inference/pool.js';
    const { pool } = joinPool(${JSON.stringify(settings(slow, 2))});
    await pool.opened;
    const picture = { pixels: new Uint8Array(12), width: 2, height: 2, channels: 3 };
    for (let i = 0; i < 2; i++) void pool.run({ picture, select: ${JSON.stringify(select)} }, new AbortController().signal);
    setTimeout(() => { ${end}; }, 30);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([code, null]);
});
