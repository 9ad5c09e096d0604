import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { noBrowser } from './observe/browser.js';
import { measureLookers } from './observe/street.js';
import type { Looker } from './observe/street.js';
import { measureTraced } from './observe/traced.js';
import { figureOf, isThere, rotated } from './support/bench.js';
import type { Bench, Effort, Row } from './support/bench.js';
import { diskFolder } from './support/disk.js';

const street = 'generated street at 15 frames/s → small detector → log';
const small = 'small messages: count → pass → log, DURABLE, as fast as they can';

const lookers: Readonly<Record<Looker, string>> = {
  nobody: 'no dashboard',
  dashboard: 'a dashboard that nobody looks at',
  browser: 'a browser with the live pictures',
};
const traced = [
  { name: 'nothing traced', sample: 0 },
  { name: 'one in 16 traced, the default', sample: 1 / 16 },
  { name: 'all traced', sample: 1 },
];
const untraced = 'nothing traced';

/** What it costs a system to be looked at. */
export const observe: Bench = {
  name: 'observe',
  about:
    'Systems of three processes on the embedded broker. The street is looked at in turns while it runs; CPU is that of its processes with the ' +
    'supervisor, which serves the dashboard, but without the browser, which runs on the same two cores. Medians of the rounds (least–most).',

  async run({ rounds, seconds, smoke }: Effort, report) {
    const folder = await mkdtemp(join(diskFolder(), 'edgeflow-bench-'));
    const names = Object.keys(lookers) as Looker[];
    const there = names.filter((looker) => looker !== 'browser' || noBrowser === undefined);
    try {
      const turns = Array.from({ length: rounds }, (_, round) => rotated(there, round)).flat();
      await measureLookers(turns, seconds, folder, (looker, figures) => {
        report({ scenario: street, peer: lookers[looker], figures });
      });
      if (noBrowser !== undefined) report({ scenario: street, peer: lookers.browser, figures: {}, missing: noBrowser });
      for (let round = 0; round < rounds; round++)
        for (const { name, sample } of rotated(traced, round).slice(0, smoke ? 2 : undefined))
          report({ scenario: small, peer: name, figures: await measureTraced(sample, seconds, folder) });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },

  targets(rows) {
    const over = (scenario: string, figure: string, peer: string, base: string): number =>
      figureOf(rows, scenario, peer, figure) / figureOf(rows, scenario, base, figure);
    return [
      ...[lookers.dashboard, lookers.browser].flatMap((peer) => lookedAt(rows, peer, over)),
      ...traced
        .slice(1)
        .filter(({ name }) => isThere(rows, name))
        .map(({ name }) => ({
          statement: `CPU/message, ${untraced} over ${name}`,
          atLeast: 0.98,
          ratio: over(small, 'CPU µs/message', untraced, name),
        })),
    ];
  },
};

function lookedAt(rows: readonly Row[], peer: string, over: (scenario: string, figure: string, peer: string, base: string) => number) {
  if (!isThere(rows, peer)) return [];
  return [
    {
      statement: `frames/s, ${peer}, over ${lookers.nobody}`,
      atLeast: 0.98,
      ratio: over(street, 'frames/s', peer, lookers.nobody),
    },
    ...(peer === lookers.browser
      ? [
          {
            statement: 'pictures/s in the browser over 5',
            atLeast: 1,
            ratio: figureOf(rows, street, peer, 'pictures/s in the browser') / 5,
          },
        ]
      : []),
  ];
}
