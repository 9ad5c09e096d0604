import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import type { BrokerHarness } from '../harness.js';

/** One line of the contract, as a property of any broker. */
export interface ContractLine {
  /** D1 to D12 for DURABLE, R1 to R6 for REALTIME. */
  readonly name: string;
  readonly statement: string;
  /** What a store must be able to do for the line to be tested on it. @defaultValue nothing */
  readonly needs?: 'processes' | 'clients';
  /** Share of the runs that it gets: some take seconds a run. @defaultValue 1 */
  readonly share?: number;
  readonly property: (harness: BrokerHarness) => fc.IAsyncProperty<unknown>;
}

/** Whether a line means anything on a store of this harness. */
export function applies({ needs }: ContractLine, { independentClients, processes = false }: BrokerHarness): boolean {
  if (needs === 'clients') return independentClients;
  return needs === undefined || processes;
}

const defaultRuns = 30;

/**
 * Runs one line of the contract. `EDGEFLOW_RUNS` and `EDGEFLOW_SEED` set runs and seed; with `EDGEFLOW_CONTRACT_REPORT`,
 * a line of JSON about the run is appended to that file.
 *
 * @throws Error with the seed and the shrunk case where it does not hold.
 */
export async function prove(line: ContractLine, harness: BrokerHarness, broker = 'broker'): Promise<void> {
  const { EDGEFLOW_RUNS: runs, EDGEFLOW_SEED: seed, EDGEFLOW_CONTRACT_REPORT: report } = process.env;
  const wanted = runs === undefined ? (harness.runs ?? defaultRuns) : Number(runs);
  const start = performance.now();
  const details = await fc.check(line.property(harness), {
    numRuns: Math.max(1, Math.ceil(wanted * (line.share ?? 1))),
    ...(seed !== undefined && { seed: Number(seed) }),
  });
  if (report !== undefined) {
    const { numRuns, seed: used, failed } = details;
    const seconds = Math.round(performance.now() - start) / 1_000;
    appendFileSync(report, `${JSON.stringify({ line: line.name, broker, runs: numRuns, seed: used, failed, seconds })}\n`);
  }
  if (details.failed)
    throw new Error(`${line.name} ${line.statement}\n${fc.defaultReportMessage(details)}`, { cause: details.errorInstance });
}
