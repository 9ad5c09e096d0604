import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { MemoryBroker, QoS, System } from 'edgeflow';
import { camera, detectYolo, iou } from 'edgeflow/operators';
import type { Detection, Detections } from 'edgeflow/operators';
import { lastValueFrom, tap, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { modelAB } from '#recipes/modelAB.js';
import type { Differences } from '#recipes/parts/differences.js';
import { haveShared, shared } from '../operators/support.js';
import { cliOfFile } from '../support/cli.js';
import { seenProcesses } from '../support/processes.js';
import { linkOf, runsOfFile, temporaryFolder } from '../support/system.js';
import { until } from '../operators/systemSupport.js';

const folder = temporaryFolder();
const run = runsOfFile();
const start = cliOfFile();
const recipe = resolve(import.meta.dirname, '../../dist/recipes/modelAB.js');
/** 200 frames, 10 a second. */
const source = shared('media/vtest_20s.mp4');
const model = shared('models/yolox_nano.onnx');
const everyFrame = { source, live: model, fps: 10, pace: false };

function readReport(file: string): Differences[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Differences);
}

function alone(scoreThreshold: number): Promise<Detections[]> {
  return lastValueFrom(camera({ source, pace: false }).pipe(detectYolo({ model, scoreThreshold }), toArray()));
}

describe.skipIf(!haveShared())('two models side by side (needs ../shared)', { timeout: 300_000 }, () => {
  test('the same model twice does not differ, in any of the frames', async () => {
    const report = folder.path('same.jsonl');
    const { ledger } = await (await run(modelAB({ ...everyFrame, report }), new MemoryBroker(), { isolation: 'inline' })).done;
    for (const link of ['live', 'candidate']) expect(linkOf(ledger, link, 'compare')).toMatchObject({ acked: 200, dead: 0 });
    expect(readReport(report)).toEqual([]);
  });

  test('another threshold: each object that only one sees is named, and nothing else', async () => {
    const report = folder.path('stricter.jsonl');
    const system = modelAB({ ...everyFrame, liveScore: 0.5, candidateScore: 0.6, report });
    await (
      await run(system, new MemoryBroker(), { isolation: 'inline' })
    ).done;
    const expected = (await alone(0.5))
      .map(({ index, objects }) => ({ index, onlyLive: objects.filter(({ score }) => score < 0.6), onlyCandidate: [] as Detection[] }))
      .filter(({ onlyLive }) => onlyLive.length > 0);
    const found = readReport(report).map(({ index, onlyLive, onlyCandidate }) => ({ index, onlyLive, onlyCandidate }));
    expect(found).toEqual(expected);
    expect(found.length).toBeGreaterThan(20);
  });

  test('another model: what both see is agreed upon, what one sees is of that one', async () => {
    const report = folder.path('other.jsonl');
    const { streetModelPath } = await import('#recipes/street/model.js');
    const system = modelAB({ ...everyFrame, candidate: streetModelPath, candidateScore: 0.3, report });
    await (
      await run(system, new MemoryBroker(), { isolation: 'inline' })
    ).done;
    const live = await alone(0.5);
    const reported = new Map(readReport(report).map((each) => [each.index, each]));
    for (const { index, objects } of live) {
      const { agreed, onlyLive, onlyCandidate } = reported.get(index) ?? { agreed: objects.length, onlyLive: [], onlyCandidate: [] };
      expect(agreed + onlyLive.length).toBe(objects.length);
      for (const lone of onlyLive)
        expect(onlyCandidate.filter(({ label, box }) => label === lone.label && iou(box, lone.box) >= 0.5)).toEqual([]);
    }
    // A model of drawn people hardly knows real ones.
    expect(reported.size).toBeGreaterThan(150);
  });

  test('a candidate that crashes and one that cannot be loaded do not stop the live path, which is linked further by use', async () => {
    const seen: number[] = [];
    const system = new System('trial');
    const trial = system.use(modelAB({ ...everyFrame, source: 'street:1', live: undefined, pace: true, candidate: '/nowhere.onnx', report: folder.path('r') }), { prefix: 'ab' }); // prettier-ignore
    const sink = system.node((_, { input }) => input<Detections>('ab.live').pipe(tap(({ index }) => seen.push(index))), { name: 'sink' });
    system.link(trial('live')).to(sink, QoS.DURABLE);
    const running = await run(system, new MemoryBroker(), { isolation: 'inline' });
    await until('results of the live model, the candidate’s fault told', () => {
      const note = running.status().find(({ node }) => node === 'ab.candidate')?.report?.note ?? '';
      return seen.length >= 20 && note.includes('nowhere.onnx');
    });
    expect(running.status().map(({ state }) => state)).toEqual(running.status().map(() => 'running'));
    await running.stop();

    const cli = start(['run', recipe, '--reset', '--no-table', '--', '--source', 'street:2']);
    const candidate = async (): Promise<number | undefined> => {
      const children = (await seenProcesses()).filter(({ commandLine }) => commandLine.includes('model-ab/candidate-0'));
      const mine = await Promise.all(
        children.map(async ({ pid }) => ({ pid, parent: Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3]) })),
      );
      return mine.find(({ parent }) => parent === cli.child.pid)?.pid;
    };
    const killed = new Set<number>();
    await until('the candidate was killed twice, and is back', async () => {
      const pid = await candidate();
      if (pid === undefined || killed.has(pid)) return false;
      if (killed.size === 2) return true;
      killed.add(pid);
      process.kill(pid, 'SIGKILL');
      return false;
    });
    cli.child.kill('SIGINT');
    const { code, stdout, stderr } = await cli.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/ledger balanced\n$/);
    expect(stderr).toMatch(/candidate/);
    expect(stderr).not.toMatch(/live/);
  });
});
