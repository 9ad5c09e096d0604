import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectBroker, QoS, System } from 'edgeflow';
import { streetModelPath } from '../../recipes/street/model.js';
import type { Sample } from '../support/bench.js';
import type { BenchBroker } from '../support/brokers.js';

const execute = promisify(execFile);
const loadScript = fileURLToPath(new URL('./loadModel.js', import.meta.url));

/** From `system.run` to the first detection that the log has taken, and how long loading the model alone takes. */
export async function measureDetection(store: BenchBroker, folder: string): Promise<Sample['figures']> {
  const { stdout } = await execute(process.execPath, [loadScript, streetModelPath]);
  const loadMs = Number(stdout);
  const system = new System('bench', { broker: await connectBroker(store.config) });
  const node = (name: string): URL => new URL(`../nodes/${name}.js`, import.meta.url);
  const street = system.node(node('street'), { fps: 15 });
  const detect = system.node(node('detect'), { model: streetModelPath, workers: 1 });
  const log = system.node(node('log'), { file: join(folder, 'detections.jsonl') });
  system.link(street).to(detect, QoS.REALTIME).to(log, QoS.DURABLE);
  const startMs = performance.now();
  const running = await system.run({ handleSignals: false });
  try {
    const runMs = performance.now() - startMs;
    while (!(await running.ledger()).links.some(({ source, acked }) => source === 'detect' && acked > 0)) await delay(5);
    const firstMs = performance.now() - startMs;
    return { 'run() ms': runMs, 'first detection ms': firstMs, 'model load ms': loadMs, 'beyond the load ms': firstMs - loadMs };
  } finally {
    await running.stop();
    await running.done;
  }
}
