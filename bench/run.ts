// npm run bench [-- name…]: runs benchmarks, prints their tables, and writes bench/results/<name>.json.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { camera } from './camera.js';
import { durable } from './durable.js';
import { fanout } from './fanout.js';
import { hop } from './hop.js';
import { lag } from './lag.js';
import { latest } from './latest.js';
import { observe } from './observe.js';
import { scale } from './scale.js';
import { scope } from './scope.js';
import { start } from './start.js';
import { synced } from './synced.js';
import { yolo } from './yolo.js';
import type { Bench, Effort, Sample } from './support/bench.js';
import { fallen } from './support/gate.js';
import { hostFacts } from './support/host.js';
import { pictureOf } from './support/picture.js';
import { redisVersion } from './support/redisServer.js';
import { formatTables, formatTarget, met, readResults, rowsOf, targetsOf, writeResults } from './support/report.js';

const benches: readonly Bench[] = [hop, fanout, latest, lag, durable, synced, scope, scale, start, camera, observe, yolo];
const root = resolve(import.meta.dirname, '../..');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Everything for a moment, to see that it runs: no results are written, and no target is asked for. */
    smoke: { type: 'boolean', default: false },
    /** Compares the ratios with the results that are there, in place of writing new ones. */
    gate: { type: 'boolean', default: false },
    /** How far a ratio may fall before the gate fails: 0.25 is a quarter. */
    tolerance: { type: 'string', default: '0.25' },
    /** Measures nothing: draws docs/performance.svg from the results that are there. */
    picture: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    results: { type: 'string', default: resolve(root, 'bench/results') },
  },
});
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) throw new Error(`no benchmark '${unknown.join("', '")}': there are ${benches.map(({ name }) => name).join(', ')}`);
if (values.smoke && values.gate) throw new Error('--gate compares ratios, and --smoke is too short to have any: give one of them');

if (values.picture) draw();
else {
  if (redisVersion() === undefined) throw new Error('redis-server not found: run `npm run setup`');
  for (const bench of benches) if (positionals.length === 0 || positionals.includes(bench.name)) await measure(bench);
}

async function measure(bench: Bench): Promise<void> {
  const { smoke } = values;
  const effort: Effort = smoke
    ? { rounds: 1, seconds: 0.12, smoke }
    : { rounds: Number(values.rounds), seconds: Number(values.seconds), smoke };
  const host = hostFacts();
  const startMs = performance.now();
  console.log(`\n== ${bench.name}\n${bench.about}`);
  const samples: Sample[] = [];
  await bench.run(effort, (sample) => {
    samples.push(sample);
    if (process.stderr.isTTY)
      process.stderr.write(`\r\u001b[K${samples.length} measured: ${sample.peer}, ${sample.scenario}`.slice(0, 120));
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const rows = rowsOf(samples);
  console.log(formatTables(rows));
  console.log('');
  const targets = targetsOf(bench, samples);
  for (const target of targets) {
    console.log(formatTarget(target));
    if (!smoke && !met(target)) process.exitCode = 1;
  }
  if (values.gate) {
    for (const { statement, before, now } of fallen(
      targets,
      readResults(values.results, bench.name)?.targets ?? [],
      Number(values.tolerance),
    )) {
      console.log(`FELL    ${statement}: ${before}x before, ${now.toPrecision(3)}x now`);
      process.exitCode = 1;
    }
  } else if (!smoke) {
    const { rounds, seconds } = effort;
    const { name, about } = bench;
    console.log(`written: ${writeResults(values.results, { name, about, host, effort: { rounds, seconds }, targets, rows })}`);
  }
  console.log(`${bench.name} took ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
}

function draw(): void {
  const results = benches.flatMap(({ name }) => readResults(values.results, name) ?? []);
  const file = resolve(root, 'docs/performance.svg');
  writeFileSync(file, pictureOf(results));
  console.log(`drawn: ${file}, from ${results.length} of ${benches.length} benchmarks`);
}
