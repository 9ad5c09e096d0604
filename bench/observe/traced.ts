import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker, QoS, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import type { Sample } from '../support/bench.js';
import { startEmbedded } from '../support/brokers.js';
import { cpuMs } from '../support/processCpu.js';

/** Bytes that may wait in a topic, so that the end comes at once. */
const maxBytes = 200_000;
/** How many messages go through before it counts, for each second that does: then compilers are warm. */
const warmUpPerSecond = 2_500;

/** count → pass → log as three processes, every message, as fast as they can. @param sample - share of the messages that is traced. */
export async function measureTraced(sample: number, seconds: number, folder: string): Promise<Sample['figures']> {
  const store = await startEmbedded();
  const system = new System('bench', { broker: await connectBroker(store.config) });
  const node = (name: string): URL => new URL(`../nodes/${name}.js`, import.meta.url);
  const count = system.node(node('count'), { maxBytes });
  const pass = system.node(node('pass'), { maxBytes });
  const log = system.node(node('log'), { file: join(folder, 'values.jsonl') });
  system.link(count).to(pass, QoS.DURABLE).to(log, QoS.DURABLE);
  const running = await system.run({ handleSignals: false, trace: { sample } });
  try {
    while ((await done(running)) < warmUpPerSecond * seconds) await delay(20);
    const pids = [process.pid, ...running.status().flatMap(({ pid }) => pid ?? [])];
    const before = { ms: performance.now(), cpu: cpuMs(pids), messages: await done(running) };
    await delay(seconds * 1_000);
    while ((await done(running)) === before.messages) await delay(1);
    const messages = (await done(running)) - before.messages;
    const elapsed = (performance.now() - before.ms) / 1_000;
    return { 'messages/s': messages / elapsed, 'CPU µs/message': ((cpuMs(pids) - before.cpu) * 1_000) / messages };
  } finally {
    await running.stop();
    await running.done;
    await store.stop();
  }
}

async function done(running: RunningSystem): Promise<number> {
  const { links } = await running.ledger();
  return links.find(({ target }) => target === 'log')?.acked ?? 0;
}
