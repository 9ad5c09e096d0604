// node bareLoop.js MODEL FRAMES SECONDS: a detector about frames that lie in memory, without a pipeline around it. Prints a
// LoopResult.
import { readFileSync } from 'node:fs';
import { openDetector } from './detector.js';
import { frameBytes } from './picture.js';
import type { LoopResult } from './picture.js';

const [model = '', file = '', seconds = '1'] = process.argv.slice(2);
const film = readFileSync(file);
const count = film.length / frameBytes;
const frames = Array.from({ length: count }, (_, index) => film.subarray(index * frameBytes, (index + 1) * frameBytes));
const detect = await openDetector(model);

let objects = 0;
for (const frame of frames) objects += (await detect(frame)).objects;

let turns = 0;
let modelMs = 0;
const cpu = process.cpuUsage();
const startMs = performance.now();
while (performance.now() - startMs < Number(seconds) * 1_000)
  for (const frame of frames) {
    modelMs += (await detect(frame)).modelMs;
    turns++;
  }
const totalMs = performance.now() - startMs;
const { user, system } = process.cpuUsage(cpu);
const result: LoopResult = {
  framesPerSecond: (turns / totalMs) * 1_000,
  modelMs: modelMs / turns,
  aroundMs: (totalMs - modelMs) / turns,
  cpuMs: (user + system) / 1_000 / turns,
  objects,
};
console.log(JSON.stringify(result));
