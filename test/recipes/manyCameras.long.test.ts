import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MemoryBroker, QoS, System } from 'edgeflow';
import { camera, detectYolo, iou, trackObjects } from 'edgeflow/operators';
import type { Detection, Detections, Tracks } from 'edgeflow/operators';
import { from, lastValueFrom, tap, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { openPools } from '#operators/inference/pool.js';
import { manyCameras } from '#recipes/manyCameras.js';
import type { Occupancy } from '#recipes/parts/occupancy.js';
import { withDynamicBatch } from '../operators/inference/dynamicBatch.js';
import { haveShared, shared } from '../operators/support.js';
import { until } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { linkOf, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();
const start = cliOfFile();
const single = shared('models/yolox_nano.onnx');
const sources = {
  street: shared('media/vtest_20s.mp4'),
  hall: shared('media/one-by-one-person-detection.mp4'),
  drawn: 'street:1?frames=150',
};

/** What the model finds in each frame of a camera of its own. */
async function alone(source: string): Promise<Map<number, Detections>> {
  const all = await lastValueFrom(camera({ source, pace: false }).pipe(detectYolo({ model: single, scoreThreshold: 0.1 }), toArray()));
  return new Map(all.map((found) => [found.index, found]));
}

function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

describe.skipIf(!haveShared())('many cameras (needs ../shared)', { timeout: 300_000 }, () => {
  test('share runs of the model, and each has its own detections, tracks and counts', async () => {
    const model = folder.path('yolox-dynamic.onnx');
    await writeFile(model, withDynamicBatch(await readFile(single)));
    const file = folder.path('occupancy.jsonl');
    const found: Detections[] = [];
    const tracks: Tracks[] = [];
    const system = new System('watch');
    const cameras = system.use(manyCameras({ sources, model, batch: 3, waitMs: 50, file }), { prefix: 'all' });
    const watch = (node: string, into: unknown[]): void => {
      const watcher = system.node((values) => values.pipe(tap((value) => into.push(value))), {
        name: `${node}-watcher`,
      });
      system.link(cameras(node)).to(watcher, QoS.DURABLE);
    };
    watch('detector', found);
    watch('tracker', tracks);
    const running = await run(system, new MemoryBroker(), { isolation: 'inline' });
    await until('the model', () => openPools().length === 1);
    const runs: number[] = [];
    for (const pool of openPools()) pool.onRun = (jobs) => void runs.push(jobs);
    const enough = (name: string): boolean => found.filter(({ source }) => source === name).length >= 15;
    await until('results of each camera, and shared runs', () => Object.keys(sources).every(enough) && runs.includes(3));
    await running.stop();
    const ledger = await running.ledger();

    // What was found in runs with frames of other cameras is what is found alone, but for the rounding of another order of sums.
    for (const [name, source] of Object.entries(sources)) {
      const own = await alone(source);
      const mine = found.filter((each) => each.source === name);
      expect(mine.map(({ index }) => index)).toEqual(mine.map(({ index }) => index).toSorted((a, b) => a - b));
      for (const { index, objects } of mine) expectSame(objects, own.get(index)?.objects ?? []);
      // As one tracker gives that has seen this camera alone.
      const followed = await lastValueFrom(from(mine).pipe(trackObjects(), toArray()));
      expect(tracks.filter((each) => each.source === name).map(({ objects }) => objects.length)).toEqual(
        followed.map(({ objects }) => objects.length),
      );
      const counts = followed.map(({ objects }) => objects.length).filter((count, place, all) => count !== all[place - 1]);
      const written = readLines<Occupancy>(file).filter((each) => each.source === name);
      expect(written.map(({ count }) => count)).toEqual(counts);
    }
    expect(found.reduce((sum, { objects }) => sum + objects.length, 0)).toBeGreaterThan(100);
    // No frame goes through the model by itself where others wait.
    expect(runs.reduce((sum, jobs) => sum + jobs, 0)).toBeGreaterThan(1.5 * runs.length);
    expect(linkOf(ledger, 'all.detector', 'all.tracker')).toMatchObject({ published: found.length, acked: found.length });
  });

  test('run by the command line, each in a process, on generated streets if no others are named', async () => {
    const file = folder.path('occupancy.jsonl');
    const cli = start([
      'run',
      resolve(import.meta.dirname, '../../dist/recipes/manyCameras.js'),
      '--reset',
      '--no-table',
      '--',
      '--file',
      file,
    ]);
    await until('a count of both', () => new Set(readLines<Occupancy>(file).map(({ source }) => source)).size === 2);
    cli.child.kill('SIGINT');
    const { code, stdout } = await cli.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/tracker → occupancy \(durable\): (\d+) published = \1 acked \+ 0 dead-lettered \+ 0 pending\nledger balanced/);
  });
});

/** The same objects, but for those whose score is at the threshold. */
function expectSame(some: readonly Detection[], others: readonly Detection[]): void {
  const clear = ({ score }: Detection): boolean => score > 0.102;
  for (const [from, to] of [
    [some, others],
    [others, some],
  ] as const)
    for (const { label, box, score } of from.filter(clear)) {
      const near = to.filter((other) => other.label === label && iou(other.box, box) > 0.95 && Math.abs(other.score - score) < 2e-3);
      expect(near, `${label} ${score} at ${box.join(', ')}`).not.toEqual([]);
    }
}
