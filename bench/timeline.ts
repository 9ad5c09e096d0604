import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EmbeddedBroker, QoS, System } from 'edgeflow';
import type { TraceStep } from 'edgeflow';
import { detectYolo, scene, storeBlob } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { timelineOf } from './support/timeline.js';
import type { TracedFrame } from './support/timeline.js';

/**
 * Draws what became of each frame of a live run, as an SVG on standard output: a camera, a detector that reads REALTIME, and a
 * recorder that reads DURABLE, a process each. `node dist/bench/timeline.js --model yolox-nano > docs/pictures/qos-timeline.svg`
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'yolox-nano' },
    fps: { type: 'string', default: '15' },
    /** Where the recorder's pictures go; named by the main process, so that workers build the same graph. */
    directory: { type: 'string', default: process.env.EDGEFLOW_TIMELINE ?? mkdtempSync(join(tmpdir(), 'edgeflow-timeline-')) },
  },
});
process.env.EDGEFLOW_TIMELINE = values.directory;
const fps = Number(values.fps);

const system = new System('timeline', { broker: new EmbeddedBroker({ name: `timeline-${process.ppid}` }) });
const camera = system.node(() => scene({ seed: 7, fps }), { name: 'camera' });
const yolo = system.node((_, { input }) => input<Frame>('camera').pipe(detectYolo({ model: values.model })), { name: 'yolo' });
const recorder = system.node((_, { input }) => input<Frame>('camera').pipe(storeBlob({ directory: values.directory })), {
  name: 'recorder',
});
system.link(camera).to(yolo, QoS.REALTIME);
system.link(camera).to(recorder, QoS.DURABLE);

const running = await system.run({ trace: { sample: 1 } });
/** Frames from here on are drawn: the model is warm by then. */
const first = 60;
const frames = Array.from({ length: 24 }, (_, at) => first + at);
let traced: TracedFrame[];
do {
  await sleep(500);
  traced = await Promise.all(frames.map(async (index) => ({ index, steps: await running.trace({ source: 'camera', index }) })));
} while (!traced.every(({ steps }) => ended(steps, 'yolo') && ended(steps, 'recorder')));
await running.stop();
const ledger = await running.ledger();
process.stdout.write(timelineOf(traced, { realtime: 'yolo', durable: 'recorder' }));
console.error(ledger.links);
rmSync(values.directory, { recursive: true, force: true });

function ended(steps: readonly TraceStep[], node: string): boolean {
  return steps.some((step) => step.node === node && (step.outcome === 'settled' || step.outcome === 'skipped'));
}
