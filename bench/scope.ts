import { deliveries } from './scope/deliveries.js';
import { asyncIterables } from './scope/asyncIterables.js';
import { plain } from './scope/plain.js';
import type { Way } from './scope/way.js';
import { figureOf, rotated } from './support/bench.js';
import type { Bench, Effort, Sample } from './support/bench.js';

const scenarios = [
  { name: 'map, filter, scan', run: (way: Way, values: number) => way.synchronous(values) },
  {
    name: 'map, filter, scan, one asynchronous operator (one value at a time)',
    run: (way: Way, values: number) => way.asynchronous(values),
  },
] as const;
const ways: readonly Way[] = [plain, deliveries, asyncIterables];
const promised = 1e6;

/** What the delivery scope costs. */
export const scope: Bench = {
  name: 'scope',
  about:
    'Values through operators in one process, without a broker: plain RxJS, where nobody knows when the work on a value is done; the ' +
    'same operators inside deliveries, each of which is seen to settle; async iterables of ix. Medians of the rounds (least–most).',

  async run({ rounds, seconds }: Effort, report) {
    for (const scenario of scenarios)
      for (let round = 0; round < rounds; round++) for (const way of rotated(ways, round)) report(await measure(scenario, way, seconds));
  },

  targets: (rows) => [
    {
      statement: `values/s inside deliveries, ${scenarios[0].name}, over a million`,
      atLeast: 1,
      ratio: figureOf(rows, scenarios[0].name, deliveries.name, 'values/s') / promised,
    },
  ],
};

async function measure({ name, run }: (typeof scenarios)[number], way: Way, seconds: number): Promise<Sample> {
  // The compiler gets warm, and the rate tells how many values take the time that there is.
  let values = 5_000;
  let rate = 0;
  for (const share of [0.2, 0.8, 0]) {
    const startMs = performance.now();
    await run(way, values);
    rate = values / ((performance.now() - startMs) / 1_000);
    values = Math.ceil(rate * seconds * share);
  }
  return { scenario: name, peer: way.name, figures: { 'values/s': rate } };
}
