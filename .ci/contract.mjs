// Runs the contract on every broker with as many runs as asked for, and prints the table of docs/guarantees.md.
//   npm run contract -- [runs] [seed]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [runs = '100', seed] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'edgeflow-contract-'));
const report = join(folder, 'report.jsonl');
const { status } = spawnSync('npx', ['vitest', 'run', 'contract.test'], {
  stdio: 'inherit',
  env: { ...process.env, EDGEFLOW_RUNS: runs, EDGEFLOW_CONTRACT_REPORT: report, ...(seed && { EDGEFLOW_SEED: seed }) },
});

const rows = readFileSync(report, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line));
rmSync(folder, { recursive: true });

const brokers = [...new Set(rows.map(({ broker }) => broker))];
const lines = [...new Set(rows.map(({ line }) => line))].sort(
  (one, two) => one.charCodeAt(0) - two.charCodeAt(0) || Number(one.slice(1)) - Number(two.slice(1)),
);
const cell = (line, broker) => {
  const row = rows.find((candidate) => candidate.line === line && candidate.broker === broker);
  return row ? `${row.failed ? 'FAILED after ' : ''}${row.runs} runs, seed ${row.seed}` : '–';
};
console.log(`| line | ${brokers.join(' | ')} |\n| --- |${' --- |'.repeat(brokers.length)}`);
for (const line of lines) console.log(`| ${line} | ${brokers.map((broker) => cell(line, broker)).join(' | ')} |`);
process.exitCode = status ?? 1;
