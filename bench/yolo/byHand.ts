// node byHand.js MODEL VIDEO LOG SECONDS: video → detect → log in one process, as one would write it by hand for as many frames
// as go: ffmpeg decodes beside it, and nothing is kept, counted or guarded. Prints a LoopResult.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { cutFrames } from '../support/cutFrames.js';
import { cpuMs } from '../support/processCpu.js';
import { openDetector } from './detector.js';
import { filmFrames, frameBytes, height, width } from './picture.js';
import type { LoopResult } from './picture.js';

const [model = '', video = '', file = '', seconds = '1'] = process.argv.slice(2);
const detect = await openDetector(model);
const log = createWriteStream(file);
const ffmpeg = spawn(
  'ffmpeg',
  [
    ...['-loglevel', 'error', '-stream_loop', '-1', '-i', video],
    ...['-vf', `scale=${width}:${height}:flags=bilinear`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const cpuOfAll = (): number => cpuMs([process.pid, ...(ffmpeg.pid === undefined ? [] : [ffmpeg.pid])]);

let objects = 0;
let turns = 0;
let modelMs = 0;
let begun = { ms: 0, cpu: 0 };
const work = async (frame: Uint8Array): Promise<boolean> => {
  const turn = await detect(frame);
  log.write(`${JSON.stringify({ frame: turns, objects: turn.objects })}\n`);
  turns++;
  if (turns <= filmFrames) objects += turn.objects;
  else modelMs += turn.modelMs;
  if (turns === filmFrames) begun = { ms: performance.now(), cpu: cpuOfAll() };
  return turns > filmFrames && performance.now() - begun.ms >= Number(seconds) * 1_000;
};

const memory = Buffer.alloc(frameBytes);
for await (const frame of cutFrames(ffmpeg.stdout, frameBytes, () => memory)) if (await work(frame)) break;
const measured = turns - filmFrames;
const totalMs = performance.now() - begun.ms;
const result: LoopResult = {
  framesPerSecond: (measured / totalMs) * 1_000,
  modelMs: modelMs / measured,
  aroundMs: (totalMs - modelMs) / measured,
  cpuMs: (cpuOfAll() - begun.cpu) / measured,
  objects,
};
ffmpeg.kill();
log.end();
console.log(JSON.stringify(result));
