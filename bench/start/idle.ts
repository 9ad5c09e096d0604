import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker, QoS, System } from 'edgeflow';
import type { Sample } from '../support/bench.js';
import type { BenchBroker } from '../support/brokers.js';
import { cpuMs } from '../support/processCpu.js';
import { memoryMB } from '../support/processFacts.js';

/** How long compilers and collectors have after the start before a process counts as idle, as a multiple of the time of a measurement. */
const settleShare = 4;
/** How long it is looked at then: what an idle process does, it does every five seconds. */
const idleShare = 5;

/** Starts three nodes without a model, lets them pass one message on, and looks at them while nothing happens. */
export async function measureIdle(store: BenchBroker, folder: string, seconds: number): Promise<Sample['figures']> {
  const system = new System('bench', { broker: await connectBroker(store.config) });
  const node = (name: string): URL => new URL(`../nodes/${name}.js`, import.meta.url);
  const once = system.node(node('once'));
  const pass = system.node(node('pass'));
  const log = system.node(node('log'), { file: join(folder, 'values.jsonl') });
  system.link(once).to(pass, QoS.DURABLE).to(log, QoS.DURABLE);
  system.link(once).to(log, QoS.REALTIME);
  const startMs = performance.now();
  const running = await system.run({ handleSignals: false });
  try {
    while (!(await running.ledger()).links.every(({ published, pending }) => published > 0 && pending === 0)) await delay(10);
    const firstMs = performance.now() - startMs;
    await delay(settleShare * seconds * 1_000);
    const pids = running.status().map(({ pid }) => pid ?? -1);
    const share = await busyShares([...pids, process.pid], idleShare * seconds * 1_000);
    const memory = pids.map(memoryMB);
    return {
      'first message ms': firstMs,
      'RSS MB, largest node': Math.max(...memory.map(({ resident }) => resident)),
      'of it its own MB': Math.max(...memory.map(({ own }) => own)),
      'idle CPU %, busiest node': 100 * Math.max(...share.slice(0, -1)),
      'idle CPU %, supervisor': 100 * (share.at(-1) ?? NaN),
    };
  } finally {
    await running.stop();
    await running.done;
  }
}

/** A process of Node that has loaded nothing and does nothing: what no node can be below. */
export async function measureNodeAlone(seconds: number): Promise<Sample['figures']> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    await delay(Math.min(1, seconds) * 1_000 + 100);
    const [share = NaN] = await busyShares([child.pid ?? -1], idleShare * seconds * 1_000);
    const { resident, own } = memoryMB(child.pid ?? -1);
    return { 'RSS MB, largest node': resident, 'of it its own MB': own, 'idle CPU %, busiest node': 100 * share };
  } finally {
    child.stdin.end();
    await exited;
  }
}

/** The share of a core that each process uses. */
async function busyShares(pids: readonly number[], ms: number): Promise<number[]> {
  const before = pids.map((pid) => cpuMs([pid]));
  const startMs = performance.now();
  await delay(ms);
  const elapsedMs = performance.now() - startMs;
  return pids.map((pid, index) => (cpuMs([pid]) - (before[index] ?? NaN)) / elapsedMs);
}
