// node system.js SECONDS: a camera of raw pictures, and who takes the newest of them, each a process. Prints a CameraCost.
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker, QoS, System } from 'edgeflow';
import { startEmbedded } from '../support/brokers.js';
import { cpuMs } from '../support/processCpu.js';
import { pattern, warmFrames } from './cost.js';
import type { CameraCost } from './cost.js';

const seconds = Number(process.argv[2] ?? '1');
const store = await startEmbedded();
const system = new System('bench', { broker: await connectBroker(store.config) });
const node = (name: string): URL => new URL(`../nodes/${name}.js`, import.meta.url);
const video = system.node(node('video'), { source: `lavfi:${pattern}` });
const taker = system.node(node('width'));
system.link(video).to(taker, QoS.REALTIME);
const running = await system.run({ handleSignals: false });

const published = async (): Promise<number> => (await running.ledger()).links[0]?.published ?? 0;
const cpuOf = (name: string): number =>
  cpuMs(running.status().flatMap(({ node, pid }) => (node === name && pid !== undefined ? [pid] : [])));
const look = async (): Promise<readonly [frames: number, camera: number, taker: number, ms: number]> => [
  await published(),
  cpuOf('video'),
  cpuOf('width'),
  performance.now(),
];

while ((await published()) < warmFrames(seconds)) await delay(20);
const before = await look();
await delay(seconds * 1_000);
const [frames = 0, cameraMs = 0, takerMs = 0, ms = 0] = (await look()).map((value, index) => value - (before[index] ?? 0));
const cost: CameraCost = { framesPerSecond: (frames / ms) * 1_000, cameraMs: cameraMs / frames, takerMs: takerMs / frames };
await running.stop();
await running.done;
await store.stop();
console.log(JSON.stringify(cost));
