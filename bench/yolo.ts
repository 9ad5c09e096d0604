import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { camera } from 'edgeflow/operators';
import { concatMap, lastValueFrom, take } from 'rxjs';
import { figureOf, isThere, rotated } from './support/bench.js';
import type { Bench, Effort, Sample } from './support/bench.js';
import { diskFolder } from './support/disk.js';
import { files, missingFiles } from './support/files.js';
import { findPython } from './support/python.js';
import { runPipeline } from './yolo/pipeline.js';
import { filmFrames, height, width } from './yolo/picture.js';
import type { LoopResult } from './yolo/picture.js';

const run = promisify(execFile);
const scenario = `YOLOX-Nano, one thread, frames of ${width}x${height}`;
const pipeline = 'EdgeFlow: video → detect → log, three processes, decoding too';
const byHand = 'by hand: video → detect → log, one process, decoding too';
const bare = 'bare onnxruntime-node loop on decoded frames';
const opencv = 'cv2.dnn loop on decoded frames';
/** Time for pre- and post-processing of a frame, in milliseconds. */
const mostAroundMs = 3;

type Figures = Sample['figures'] | { readonly missing: string };

/** A detector at work. */
export const yolo: Bench = {
  name: 'yolo',
  about:
    'YOLOX-Nano on a street video. EdgeFlow plays the video as fast as it can, detects in every frame and logs, in three processes on ' +
    'the embedded broker, each link DURABLE; by hand the same goes on in one process, which keeps and counts nothing. The loops go round over ' +
    'decoded frames in memory, in one process: letterbox, model, suppression. ' +
    'All run the model on one thread. CPU: all processes together, with that of the decoder. Medians of the rounds (least–most).',

  async run({ rounds, seconds }: Effort, report) {
    const folder = await mkdtemp(join(diskFolder(), 'edgeflow-bench-'));
    try {
      const missing = missingFiles();
      const film = join(folder, 'film.rgb');
      if (missing === undefined) await writeFilm(film);
      const peers = [
        { name: pipeline, measure: () => throughPipeline(folder, seconds) },
        { name: byHand, measure: () => throughByHand(folder, seconds) },
        { name: bare, measure: () => throughBareLoop(film, seconds) },
        { name: opencv, measure: () => throughOpenCv(film, seconds) },
      ];
      for (let round = 0; round < rounds; round++)
        for (const { name, measure } of rotated(peers, round)) {
          const figures: Figures = missing === undefined ? await measure() : { missing };
          report({ scenario, peer: name, ...('missing' in figures ? { figures: {}, missing: String(figures.missing) } : { figures }) });
        }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },

  targets(rows) {
    if (!isThere(rows, bare)) return [];
    const figure = (peer: string, name: string): number => figureOf(rows, scenario, peer, name);
    return [
      {
        statement: 'frames/s, three processes with decoding over the bare loop on decoded frames',
        atLeast: 0.9,
        ratio: figure(pipeline, 'frames/s') / figure(bare, 'frames/s'),
      },
      {
        statement: 'frames/s, three processes over one that is written by hand, both with decoding',
        atLeast: 0.95,
        ratio: figure(pipeline, 'frames/s') / figure(byHand, 'frames/s'),
      },
      {
        statement: `${mostAroundMs} ms over pre- and post-processing of a frame of ${width}x${height}`,
        atLeast: 1,
        ratio: mostAroundMs / figure(bare, 'pre- and post-processing ms'),
      },
    ];
  },
};

/** The first frames of the video, decoded and one after the other. */
async function writeFilm(path: string): Promise<void> {
  const file = await open(path, 'w');
  const frames = camera({ source: files.video, width, height, pace: false }).pipe(take(filmFrames));
  await lastValueFrom(frames.pipe(concatMap(({ data }) => file.write(data))));
  await file.close();
}

async function throughPipeline(folder: string, seconds: number): Promise<Figures> {
  const { framesPerSecond, cpuMs } = await runPipeline(folder, 1, seconds);
  return { 'frames/s': framesPerSecond, 'CPU ms/frame': cpuMs };
}

async function throughByHand(folder: string, seconds: number): Promise<Figures> {
  const script = fileURLToPath(new URL('./yolo/byHand.js', import.meta.url));
  return figuresOf(await run(process.execPath, [script, files.model, files.video, join(folder, 'by-hand.jsonl'), String(seconds)]));
}

async function throughBareLoop(film: string, seconds: number): Promise<Figures> {
  const loop = fileURLToPath(new URL('./yolo/bareLoop.js', import.meta.url));
  return figuresOf(await run(process.execPath, [loop, files.model, film, String(seconds)]));
}

async function throughOpenCv(film: string, seconds: number): Promise<Figures> {
  const python = findPython('cv2');
  if (python === undefined) return { missing: 'there is no python3 with cv2 (Debian: python3-opencv)' };
  const loop = resolve(import.meta.dirname, '../../bench/yolo/cv2Loop.py');
  return figuresOf(await run(python, [loop, files.model, film, String(seconds)]));
}

function figuresOf({ stdout }: { readonly stdout: string }): Sample['figures'] {
  const { framesPerSecond, cpuMs, modelMs, aroundMs, objects } = JSON.parse(stdout) as LoopResult;
  return {
    'frames/s': framesPerSecond,
    'CPU ms/frame': cpuMs,
    'model ms': modelMs,
    'pre- and post-processing ms': aroundMs,
    [`objects in ${filmFrames} frames`]: objects,
  };
}
