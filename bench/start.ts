import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measureDetection } from './start/detection.js';
import { measureIdle, measureNodeAlone } from './start/idle.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Effort } from './support/bench.js';
import { startDualRedis, startEmbedded } from './support/brokers.js';
import { diskFolder } from './support/disk.js';

const embedded = 'embedded';
const pair = 'two Redises, TCP';
const peers = [
  { name: embedded, start: startEmbedded },
  { name: pair, start: () => startDualRedis('tcp') },
];

const idle = 'three nodes without a model: one message, then nothing';
const detection = 'generated street → small detector → log: the first detection';
const mostIdlePercent = 1;
const mostNodeMB = 60;
const mostBeyondLoadMs = 2_000;

/** What a system costs before it does anything. */
export const start: Bench = {
  name: 'start',
  about:
    'Real systems with a process a node. Idle: the share of a core, of the busiest process, with nothing to do for some seconds; memory by /proc, of the largest ' +
    'node. First detection: from the call of run() to the log having taken it; the load is that of onnxruntime and the model, with a first ' +
    'run, in a process of its own. Medians of the rounds (least–most).',

  async run({ rounds, seconds }: Effort, report) {
    const folder = await mkdtemp(join(diskFolder(), 'edgeflow-bench-'));
    try {
      for (let round = 0; round < rounds; round++) {
        report({ scenario: idle, peer: 'Node alone', figures: await measureNodeAlone(seconds) });
        for (const { name, start: startBroker } of rotated(peers, round)) {
          const idling = await startBroker();
          report({ scenario: idle, peer: name, figures: await measureIdle(idling, folder, seconds).finally(idling.stop) });
          const detecting = await startBroker();
          report({ scenario: detection, peer: name, figures: await measureDetection(detecting, folder).finally(detecting.stop) });
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },

  targets: (rows) =>
    peers.flatMap(({ name }) => {
      const figure = (scenario: string, what: string): number => figureOf(rows, scenario, name, what);
      return [
        {
          statement: `${mostIdlePercent} % of a core over an idle process, ${name}`,
          atLeast: 1,
          ratio: mostIdlePercent / Math.max(figure(idle, 'idle CPU %, busiest node'), figure(idle, 'idle CPU %, supervisor')),
        },
        {
          statement: `${mostNodeMB} MB over a node without a model, ${name}`,
          atLeast: 1,
          ratio: mostNodeMB / figure(idle, 'RSS MB, largest node'),
        },
        {
          statement: `${mostBeyondLoadMs / 1_000} s over the first detection beyond the model's load, ${name}`,
          atLeast: 1,
          ratio: mostBeyondLoadMs / figure(detection, 'beyond the load ms'),
        },
      ];
    }),
};
