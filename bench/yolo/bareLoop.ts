// node bareLoop.js MODEL FRAMES SECONDS: the least that one thread can do about frames that lie in memory: letterbox, model,
// suppression, one after the other, without a pipeline around it. Prints a LoopResult.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decode } from '../../operators/yolo/decode.js';
import { DetectorSession } from '../../operators/yolo/detectorSession.js';
import { inputStyleOf } from '../../operators/yolo/heads.js';
import { Letterbox } from '../../operators/yolo/letterbox.js';
import { nms } from '../../operators/yolo/nms.js';
import { frameBytes, height, select, width } from './picture.js';
import type { LoopResult } from './picture.js';

const [model = '', file = '', seconds = '1'] = process.argv.slice(2);
const film = readFileSync(file);
const count = film.length / frameBytes;
const frames = Array.from({ length: count }, (_, index) => film.subarray(index * frameBytes, (index + 1) * frameBytes));

const inputSize = { width: 640, height: 640 };
const opened = await DetectorSession.open({
  kind: 'detect',
  path: model,
  providers: ['cpu'],
  maxBatch: 1,
  options: { task: 'detect', inputSize },
});
const { input, head } = opened.opened.info;
await opened.close();
const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
const [inputName = ''] = session.inputNames;
const [outputName = ''] = session.outputNames;
const letterbox = new Letterbox(input, inputStyleOf(head));
const feeds = { [inputName]: new Tensor('float32', letterbox.tensor, [1, 3, input.height, input.width]) };

interface Turn {
  readonly objects: number;
  readonly modelMs: number;
}

async function detect(frame: Uint8Array): Promise<Turn> {
  letterbox.fill(frame, { width, height }, 3);
  const startMs = performance.now();
  const { [outputName]: output } = await session.run(feeds);
  const modelMs = performance.now() - startMs;
  const candidates = decode(output?.data as Float32Array, head, input, select.scoreThreshold);
  return { objects: nms(candidates, select.iouThreshold, select.maxDetections).length, modelMs };
}

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
