// node byHand.js SECONDS: the same pictures, cut out of ffmpeg's pipe by hand, and gone. Prints a CameraCost.
import { spawn } from 'node:child_process';
import { cutFrames } from '../support/cutFrames.js';
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
// Whoever gets a frame may keep it.
const pictures = cutFrames(ffmpeg.stdout, frameBytes, () => Buffer.allocUnsafe(frameBytes));
for (; frames < wanted; frames++) {
  if (frames === warm) begun = { ms: performance.now(), cpu: cpuMs([process.pid]) };
  await pictures.next();
}
const measured = frames - warm;
const cost: CameraCost = {
  framesPerSecond: (measured / (performance.now() - begun.ms)) * 1_000,
  cameraMs: (cpuMs([process.pid]) - begun.cpu) / measured,
};
// Closes the pipe: ffmpeg would wait for somebody to read on.
await pictures.return(undefined);
ffmpeg.kill();
console.log(JSON.stringify(cost));
