// npm run bench [-- --smoke] [name…]: runs benchmarks, prints their tables, and writes bench/results/<name>.json.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { durable } from './durable.js';
import { fanout } from './fanout.js';
import { hop } from './hop.js';
import { lag } from './lag.js';
import { latest } from './latest.js';
import type { Bench, Effort, Sample } from './support/bench.js';
import { hostFacts } from './support/host.js';
import { redisVersion } from './support/redisServer.js';
import { formatTables, formatTarget, met, rowsOf, writeResults } from './support/report.js';

const benches: readonly Bench[] = [hop, fanout, latest, lag, durable];
const smoke: Effort = { rounds: 1, seconds: 0.2, smoke: true };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Everything for a moment, to see that it runs: no results are written. */
    smoke: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    results: { type: 'string', default: resolve(import.meta.dirname, '../../bench/results') },
  },
});
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) throw new Error(`no benchmark '${unknown.join("', '")}': there are ${benches.map(({ name }) => name).join(', ')}`);
if (redisVersion() === undefined) throw new Error('redis-server not found: run `npm run setup`');

const effort = values.smoke ? smoke : { rounds: Number(values.rounds), seconds: Number(values.seconds), smoke: false };
for (const bench of benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const host = hostFacts();
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
  for (const target of bench.targets(rows)) {
    console.log(formatTarget(target));
    if (!values.smoke && !met(target)) process.exitCode = 1;
  }
  if (!values.smoke) console.log(`written: ${writeResults(values.results, bench, effort, host, rows)}`);
}
