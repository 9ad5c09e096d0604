import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker, QoS, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import { startEmbedded } from '../support/brokers.js';
import { files } from '../support/files.js';
import { cpuMs } from '../support/processCpu.js';
import { processTree } from '../support/processTree.js';
import { frameBytes, height, width } from './picture.js';

/** How many frames of the video may wait for the detector: it always has one, and the video does not run far ahead. */
const backlog = 8;
/** After so many, fewer where there is less than a second, all processes are up, and have what they need for long work: a node begins without V8's optimising compiler. */
const warmFrames = 150;

/** video → detect → log, every frame, as three processes on the embedded broker, for so many seconds. */
export async function runPipeline(folder: string, workers: number, seconds: number): Promise<{ framesPerSecond: number; cpuMs: number }> {
  const store = await startEmbedded();
  const system = new System('bench', { broker: await connectBroker(store.config) });
  const node = (name: string): URL => new URL(`../nodes/${name}.js`, import.meta.url);
  const video = system.node(node('video'), {
    source: files.video,
    width,
    height,
    pace: false,
    loop: true,
    concurrency: 2,
    maxBytes: backlog * frameBytes,
  });
  const detect = system.node(node('detect'), { model: files.model, workers });
  const log = system.node(node('log'), { file: join(folder, 'detections.jsonl') });
  system.link(video).to(detect, QoS.DURABLE, { payload: 'view' }).to(log, QoS.DURABLE);
  const running = await system.run({ handleSignals: false });
  try {
    await until(running, Math.ceil(warmFrames * Math.min(1, seconds)));
    const cpuBefore = cpuMs(processTree());
    const before = { detections: await logged(running), ms: performance.now() };
    await delay(seconds * 1_000);
    const detections = (await logged(running)) - before.detections;
    const ms = performance.now() - before.ms;
    return { framesPerSecond: (detections / ms) * 1_000, cpuMs: (cpuMs(processTree()) - cpuBefore) / detections };
  } finally {
    await running.stop();
    await running.done;
    await store.stop();
  }
}

/** Detections that the log has taken and acknowledged. */
async function logged(running: RunningSystem): Promise<number> {
  const { links } = await running.ledger();
  return links.find(({ source }) => source === 'detect')?.acked ?? 0;
}

/** Waits until so many are logged. */
async function until(running: RunningSystem, count: number): Promise<void> {
  while ((await logged(running)) < count) await delay(20);
}
