// node byHand.js SECONDS: the same pictures, cut out of ffmpeg's pipe by hand, and gone. Prints a CameraCost.
import { spawn } from 'node:child_process';
import { cpuMs } from '../support/processCpu.js';
import { fps, height, pattern, warmFrames, width } from './cost.js';
import type { CameraCost } from './cost.js';

const seconds = Number(process.argv[2] ?? '1');
const frameBytes = width * height * 3;
const ffmpeg = spawn(
  'ffmpeg',
  [...['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', pattern], ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);

let frames = 0;
let begun = { ms: 0, cpu: 0 };
const warm = warmFrames(seconds);
const wanted = warm + Math.ceil(fps * seconds);
let frame = Buffer.allocUnsafe(frameBytes);
let filled = 0;
for await (const chunk of ffmpeg.stdout as AsyncIterable<Buffer>) {
  for (let at = 0; at < chunk.length;) {
    const copied = chunk.copy(frame, filled, at);
    at += copied;
    filled += copied;
    if (filled < frameBytes) continue;
    // Whoever gets it may keep it.
    frame = Buffer.allocUnsafe(frameBytes);
    filled = 0;
    if (++frames === warm) begun = { ms: performance.now(), cpu: cpuMs([process.pid]) };
  }
  if (frames >= wanted) break;
}
const measured = frames - warm;
const cost: CameraCost = {
  framesPerSecond: (measured / (performance.now() - begun.ms)) * 1_000,
  cameraMs: (cpuMs([process.pid]) - begun.cpu) / measured,
};
ffmpeg.kill();
console.log(JSON.stringify(cost));
