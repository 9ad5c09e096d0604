import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { QoS, System } from 'edgeflow';
import { streetModelPath } from './model.js';

const { values } = parseArgs({
  options: {
    source: { type: 'string' },
    model: { type: 'string' },
    output: { type: 'string', default: '.edgeflow/demo' },
    seed: { type: 'string', default: '1' },
    fps: { type: 'string', default: '15' },
  },
});
const output = resolve(values.output);

/** camera → yolo → logger, and camera → recorder: the detector skips what it can't keep up with, the others lose nothing. */
const system = new System('demo');
const camera = system.node(new URL('./nodes/camera.js', import.meta.url), {
  source: values.source,
  seed: Number(values.seed),
  fps: Number(values.fps),
});
const yolo = system.node(new URL('./nodes/yolo.js', import.meta.url), {
  // The small model knows the generated scene alone; a real video wants a real one.
  model: values.model ?? (values.source === undefined ? streetModelPath : 'yolox-nano'),
  scoreThreshold: values.model === undefined && values.source === undefined ? 0.35 : 0.5,
});
const logger = system.node(new URL('./nodes/logger.js', import.meta.url), { file: join(output, 'detections.jsonl') });
const recorder = system.node(new URL('./nodes/recorder.js', import.meta.url), { directory: join(output, 'pictures'), maxCount: 1_000 });
system.link(camera).to(yolo, QoS.REALTIME).to(logger, QoS.DURABLE);
system.link(camera).to(recorder, QoS.DURABLE);
export default system;
