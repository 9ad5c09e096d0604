import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker, QoS, serveDashboard, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import { streetModelPath } from '../../recipes/street/model.js';
import type { Sample } from '../support/bench.js';
import { startEmbedded } from '../support/brokers.js';
import { cpuMs } from '../support/processCpu.js';
import { openLive } from './browser.js';

/** Who looks on while the street runs. */
export type Looker = 'nobody' | 'dashboard' | 'browser';

/** Pictures a second of the street: what a device has to spare then is enough for a browser. */
const fps = 15;

/**
 * street → detect → log as three processes. The same system is measured with each looker in turn.
 *
 * @param report - is told of each measurement.
 */
export async function measureLookers(
  turns: readonly Looker[],
  seconds: number,
  folder: string,
  report: (looker: Looker, figures: Sample['figures']) => void,
): Promise<void> {
  const store = await startEmbedded();
  const system = new System('bench', { broker: await connectBroker(store.config) });
  const node = (name: string): URL => new URL(`../nodes/${name}.js`, import.meta.url);
  const street = system.node(node('street'), { fps });
  const detect = system.node(node('detect'), { model: streetModelPath, workers: 1 });
  const log = system.node(node('log'), { file: join(folder, 'detections.jsonl') });
  system.link(street).to(detect, QoS.REALTIME).to(log, QoS.DURABLE);
  const running = await system.run({ handleSignals: false });
  try {
    while ((await logged(running)) < 2 * fps) await delay(20);
    for (const looker of turns) report(looker, await withLooker(running, looker, seconds));
  } finally {
    await running.stop();
    await running.done;
    await store.stop();
  }
}

async function withLooker(running: RunningSystem, looker: Looker, seconds: number): Promise<Sample['figures']> {
  const dashboard = looker === 'nobody' ? undefined : await serveDashboard(running, { port: 0 });
  const page = dashboard && looker === 'browser' ? await openLive(dashboard.address) : undefined;
  try {
    // Without those of the browser: it is another device's.
    const pids = [process.pid, ...running.status().flatMap(({ pid }) => pid ?? [])];
    const before = { ms: performance.now(), cpu: cpuMs(pids), frames: await logged(running), pictures: page?.pictures() ?? 0 };
    await delay(seconds * 1_000);
    while ((await logged(running)) === before.frames) await delay(1);
    const frames = (await logged(running)) - before.frames;
    const elapsed = (performance.now() - before.ms) / 1_000;
    return {
      'frames/s': frames / elapsed,
      'CPU ms/frame': (cpuMs(pids) - before.cpu) / frames,
      ...(page && { 'pictures/s in the browser': (page.pictures() - before.pictures) / elapsed }),
    };
  } finally {
    await page?.close();
    await dashboard?.close();
  }
}

/** Detections that the log has taken and acknowledged. */
async function logged(running: RunningSystem): Promise<number> {
  const { links } = await running.ledger();
  return links.find(({ source }) => source === 'detect')?.acked ?? 0;
}
