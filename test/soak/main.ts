// npm run soak -- --messages N --faults-every S [--broker embedded|redis] …: see docs/soak.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Progress } from './progress.js';
import { brokenIn, formatBound, formatResult } from './report.js';
import { soak } from './soak.js';
import type { SoakResult } from './soak.js';
import type { BrokerName } from './stage.js';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '20000' },
    'faults-every': { type: 'string', default: '2' },
    /** Both without it. */
    broker: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    rate: { type: 'string', default: '1000' },
    calm: { type: 'string', default: '0.25' },
    'kill-supervisor': { type: 'boolean', default: false },
    out: { type: 'string', default: '.edgeflow/soak' },
  },
});

function numberOf(name: 'messages' | 'faults-every' | 'seed' | 'rate' | 'calm', least: number): number {
  const number = Number(values[name]);
  if (!(number >= least)) throw new Error(`--${name} is '${values[name]}'; expected a number of at least ${least}`);
  return number;
}

function brokers(): readonly BrokerName[] {
  if (values.broker === undefined) return ['embedded', 'redis'];
  if (values.broker === 'embedded' || values.broker === 'redis') return [values.broker];
  throw new Error(`--broker is '${values.broker}'; expected embedded or redis`);
}

const options = {
  messages: numberOf('messages', 1),
  faultsEveryMs: numberOf('faults-every', 0.05) * 1_000,
  seed: numberOf('seed', 0),
  perSecond: numberOf('rate', 1),
  calm: numberOf('calm', 0),
  killSupervisor: values['kill-supervisor'],
  visibilityMs: 3_000,
  longestPauseMs: 5_000,
};
const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    interrupt.abort(new Error(`ended by ${name}`));
  });
const results: SoakResult[] = [];
const broken: string[] = [];
mkdirSync(values.out, { recursive: true });
for (const broker of brokers()) {
  if (interrupt.signal.aborted) break;
  const progress = new Progress(broker, options.messages);
  try {
    const result = await soak({ ...options, broker, signal: interrupt.signal, onProgress: (done, faults) => progress.show(done, faults) });
    progress.stop();
    results.push(result);
    broken.push(...brokenIn(result));
    console.log(formatResult(result));
    const file = resolve(join(values.out, `${broker}.json`));
    writeFileSync(file, `${JSON.stringify(result)}\n`);
    console.log(`\nwritten: ${file}`);
  } catch (error) {
    progress.stop();
    broken.push(`${broker}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
if (broken.length > 0) {
  console.log(`\nBROKEN (seed ${options.seed}):\n${broken.join('\n')}`);
  process.exitCode = 1;
} else console.log(`\n${formatBound(results)}`);
